"""The bill of materials: the lock file's packages with licences and needs of what is installed, and jars."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

from scripts.sbom import OWN, jar, merged
from uae_model import __version__

LOCK: dict[str, Any] = {
    "components": [
        {
            "bom-ref": "requirements-L1",
            "name": "Some_Package",
            "version": "1.0",
            "purl": "pkg:pypi/some-package@1.0",
            "description": "requirements line 1: Some_Package==1.0 --hash=sha256:0",
            "externalReferences": [{"hashes": [{"alg": "SHA-256", "content": "0"}]}],
        },
        {"bom-ref": "requirements-L2", "name": "windows", "version": "3", "purl": "pkg:pypi/windows@3"},
    ]
}
INSTALLED: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "metadata": {"component": {"bom-ref": OWN, "name": "uae"}},
    "components": [
        {
            "bom-ref": "some-package==1.0",
            "name": "some-package",
            "version": "1.0",
            "description": "What it is",
            "licenses": [{"license": {"id": "MIT"}}],
        },
        {"bom-ref": "pytest==9", "name": "pytest", "version": "9"},
    ],
    "dependencies": [
        {"ref": OWN, "dependsOn": ["some-package==1.0", "pytest==9"]},
        {"ref": "some-package==1.0", "dependsOn": ["pytest==9"]},
    ],
}


def test_locked_packages_are_told_of_by_what_is_installed() -> None:
    bill = merged(LOCK, INSTALLED, [])
    package, other = bill["components"]
    assert package["bom-ref"] == "pkg:pypi/some-package@1.0"
    assert package["licenses"] == [{"license": {"id": "MIT"}}]
    assert package["description"] == "What it is"
    assert package["externalReferences"] == LOCK["components"][0]["externalReferences"]
    assert other == {**LOCK["components"][1], "bom-ref": "pkg:pypi/windows@3"}


def test_what_is_not_locked_is_left_out() -> None:
    bill = merged(LOCK, INSTALLED, [])
    assert [part["name"] for part in bill["components"]] == ["Some_Package", "windows"]
    assert bill["dependencies"] == [
        {"ref": OWN, "dependsOn": ["pkg:pypi/some-package@1.0"]},
        {"ref": "pkg:pypi/some-package@1.0", "dependsOn": []},
    ]


def test_the_bill_is_of_this_version() -> None:
    assert merged(LOCK, INSTALLED, [])["metadata"]["component"]["version"] == __version__


def pom(group: str, name: str, version: str) -> tuple[str, str]:
    text = f"#Generated\ngroupId={group}\nartifactId={name}\nversion={version}\n"
    return f"META-INF/maven/{group}/{name}/pom.properties", text


def archive(path: Path, *entries: tuple[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, text in (("A.class", "code"), *entries):
            file.writestr(name, text)
    return path


def test_a_jar_is_named_as_in_maven_and_tells_what_is_shaded_into_it(tmp_path: Path) -> None:
    path = archive(tmp_path / "api-2.1.jar", pom("org.a", "api", "2.1"), pom("org.b", "inner", "1"))
    told = jar(path)
    assert told["purl"] == "pkg:maven/org.a/api@2.1"
    assert told["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}]
    assert [part["purl"] for part in told["components"]] == ["pkg:maven/org.b/inner@1"]


def test_a_jar_that_ivy_named_has_its_group_before(tmp_path: Path) -> None:
    told = jar(archive(tmp_path / "org.a_api-2.1.jar", pom("org.a", "api", "2.1")))
    assert told["purl"] == "pkg:maven/org.a/api@2.1"
    assert "components" not in told


def test_a_jar_without_coordinates_goes_by_its_file(tmp_path: Path) -> None:
    told = jar(archive(tmp_path / "lone-1.jar"))
    assert (told["name"], told["bom-ref"]) == ("lone-1.jar", "jar:lone-1.jar")
    assert "purl" not in told
