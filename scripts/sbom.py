"""Writes dist/sbom.cdx.json: what the jobs run on, as a bill of materials in the format of CycloneDX.

Called by `make sbom`. The library cyclonedx-bom, in an environment of its own, reads requirements.txt
(versions and hashes) and what is installed (licences, who needs whom), and checks the result. The jars are
those of Spark and of Delta.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from packaging.utils import canonicalize_name  # noqa: E402

from uae_model import __version__  # noqa: E402
from uae_model.lake.jars import resolved_jars  # noqa: E402

TOOLS = ROOT / "build" / "supply" / "bin"
"""Programs of requirements-supply.txt."""

TARGET = ROOT / "dist" / "sbom.cdx.json"
OWN = "root-component"
"""Reference of this project in what cyclonedx-py writes."""

POM = re.compile(r"META-INF/maven/[^/]+/[^/]+/pom\.properties")
CHECK = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(str(JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read()) or "") or 0)
"""

Bill = dict[str, Any]
"""A bill of materials as CycloneDX writes it in JSON."""


def bill_of(kind: str, source: str) -> Bill:
    """Return what cyclonedx-py writes of a lock file (``requirements``) or of an ``environment``."""
    command = [str(TOOLS / "cyclonedx-py"), kind, source, "--pyproject", "pyproject.toml", "--sv", "1.6"]
    options = ["--output-reproducible", "--no-validate"]  # the merged bill is checked
    done = subprocess.run([*command, *options], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    bill: Bill = json.loads(done.stdout)
    return bill


def merged(lock: Bill, installed: Bill, jars: Iterable[Bill]) -> Bill:
    """Return the packages of the lock file, with the licences and needs of what is installed, and the jars.

    A package that is locked for another platform is not installed: its licence and needs are left out.
    """
    own = {_key(part): part for part in installed["components"]}
    packages = {part["purl"]: {**part, "bom-ref": part["purl"]} for part in lock["components"]}
    renamed = {OWN: OWN}
    for package in packages.values():
        # Of a lock file it is the line with its hashes, which are told below.
        package.pop("description", None)
        match = own.get(_key(package))
        if match is not None:
            renamed[match["bom-ref"]] = package["bom-ref"]
            package.update({name: match[name] for name in ("description", "licenses") if name in match})
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in installed["dependencies"]}
    jars = list(jars)
    metadata = installed["metadata"]
    return {
        **{name: value for name, value in installed.items() if name not in ("components", "dependencies")},
        "metadata": {**metadata, "component": {**metadata["component"], "version": __version__}},
        "components": [*packages.values(), *jars],
        "dependencies": [
            {
                "ref": new,
                "dependsOn": sorted({renamed[name] for name in needs.get(old, []) if name in renamed}),
            }
            for old, new in sorted(renamed.items())
        ],
    }


def jar(path: Path) -> Bill:
    """Return a jar with its digest, its name in Maven where it says that, and the projects shaded into it."""
    projects = sorted(_projects(path), key=lambda project: project["purl"])
    own = [one for one in projects if path.name.endswith(f"{one['name']}-{one['version']}.jar")]
    name = max(own, key=lambda project: len(project["name"])) if own else {"name": path.name}
    inner = [project for project in projects if project is not name]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {
        "type": "library",
        "bom-ref": f"jar:{path.name}",
        **name,
        "hashes": [{"alg": "SHA-256", "content": digest}],
        **({"components": [{"type": "library", **project} for project in inner]} if inner else {}),
    }


def _projects(path: Path) -> Iterable[dict[str, str]]:
    with zipfile.ZipFile(path) as archive:
        for entry in filter(POM.fullmatch, archive.namelist()):
            lines = archive.read(entry).decode().splitlines()
            told = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
            group, name, version = (told[key].strip() for key in ("groupId", "artifactId", "version"))
            yield {
                "group": group,
                "name": name,
                "version": version,
                "purl": f"pkg:maven/{group}/{name}@{version}",
            }


def _key(part: Mapping[str, Any]) -> tuple[str, str]:
    return canonicalize_name(part["name"]), part["version"]


def main() -> None:
    """Write and check the bill."""
    spark = Path(str(importlib.metadata.distribution("pyspark").locate_file("pyspark/jars")))
    jars = [jar(path) for path in [*sorted(spark.glob("*.jar")), *resolved_jars()]]
    bill = merged(bill_of("requirements", "requirements.txt"), bill_of("environment", sys.executable), jars)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(bill, indent=1) + "\n")
    subprocess.run([TOOLS / "python", "-c", CHECK, TARGET], check=True)
    packages = len(bill["components"]) - len(jars)
    print(f"{TARGET.relative_to(ROOT)}: {packages} packages and {len(jars)} jars; CycloneDX 1.6, checked")


if __name__ == "__main__":
    main()
