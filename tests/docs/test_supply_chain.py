"""The page of the supply chain: each licence that is not permissive and each advisory has a decision."""

from __future__ import annotations

import re
from fnmatch import fnmatch

from scripts.licences import licences
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "supply-chain.md").read_text()
LOCKS = [ROOT / f"requirements{part}.txt" for part in ("", "-dev")]
PERMISSIVE = re.compile(
    r"(MIT(-0|-CMU)?|BSD(-\d-Clause)?|\d-Clause BSD|Apache([ -]2\.0)?|Apache Software|ISC|PSF-2\.0|BSL-1\.0"
    r"|Python Software Foundation|LLVM-exception)( Licen[sc]e)?( 2\.0)?( \(ISCL\))?"
)


def rows(heading: str) -> list[list[str]]:
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def is_permissive(licence: str) -> bool:
    parts = re.split(r" AND | OR | WITH |; ", licence.replace("(Apache-2.0 OR MIT)", "MIT"))
    return all(PERMISSIVE.fullmatch(part) for part in parts)


def test_what_is_permissive() -> None:
    assert is_permissive("Apache-2.0 AND Apache-2.0 WITH LLVM-exception AND BSD-2-Clause")
    assert is_permissive("ISC License (ISCL)")
    for licence in ("MPL-2.0 AND MIT", "GPL-3.0", "Other/Proprietary License", "GNU Affero", ""):
        assert not is_permissive(licence), licence


def test_each_licence_that_is_not_permissive_has_a_decision() -> None:
    decided = [
        pattern for _, packages, _ in rows("Licences") for pattern in re.findall(r"`([^`]+)`", packages)
    ]
    listed = {name: licence for lock in LOCKS for name, _, licence in licences(lock)}
    strict = {name for name, licence in listed.items() if not is_permissive(licence)}
    assert {name for name in strict if not any(fnmatch(name, pattern) for pattern in decided)} == set()
    assert [pattern for pattern in decided if not any(fnmatch(name, pattern) for name in strict)] == []


def test_nothing_is_under_the_gpl() -> None:
    named = [licence for lock in LOCKS for *_, licence in licences(lock)]
    assert not [licence for licence in named if re.search(r"\bA?GPL|General Public", licence)]


def test_each_advisory_names_a_package_that_is_pinned_and_a_decision() -> None:
    names = {name for lock in LOCKS for name, *_ in licences(lock)}
    told = rows("Vulnerabilities")
    assert told
    for advisory, _, package, decision in told:
        assert re.fullmatch(r"(GHSA(-\w{4}){3}|(CVE|PYSEC)-\d{4}-\d+)", advisory)
        assert package.strip("`") in names
        assert re.match(r"(not reached|accepted)\b", decision)


def test_the_audit_reads_its_decisions_from_the_page() -> None:
    script = (ROOT / "scripts" / "supply.sh").read_text()
    (name,) = re.findall(r"^decisions=(.*)$", script, re.MULTILINE)
    (pattern,) = re.findall(r"grep -oE '([^']+)' \"\$decisions\"", script)
    ignored = [match[0][2:] for match in re.finditer(pattern, (ROOT / name).read_text(), re.MULTILINE)]
    assert ignored == [advisory for advisory, *_ in rows("Vulnerabilities")]
