"""Alert rules and the scrape configuration: they use what a run writes, and the runbook has each alert."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.queries import DEPLOY, LABELS, named_in, strangers
from tests.error_kinds import every_kind
from uae_model.config import load_config

FOLDER = DEPLOY / "prometheus"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
NAMES = [rule["alert"] for rule in RULES]
DURATION = re.compile(r"\d+[smhd]")


def expression(alert: str) -> str:
    return str(next(rule["expr"] for rule in RULES if rule["alert"] == alert))


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
class TestEachRule:
    def test_it_uses_what_the_code_writes(self, rule: dict[str, Any]) -> None:
        assert named_in(rule["expr"]).metrics
        assert strangers(rule["expr"]) == []

    def test_it_has_the_form_of_a_rule(self, rule: dict[str, Any]) -> None:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch("Uae[A-Za-z]+", rule["alert"])
        assert DURATION.fullmatch(rule.get("for", "0s"))
        assert rule["labels"]["severity"] in ("critical", "warning", "info")

    def test_its_text_names_labels_that_it_has(self, rule: dict[str, Any]) -> None:
        text = rule["annotations"]["summary"]
        assert set(re.findall(r"\$labels\.(\w+)", text)) <= named_in(rule["expr"]).labels

    def test_it_leads_to_the_runbook(self, rule: dict[str, Any]) -> None:
        page = (DEPLOY.parent / "docs" / "runbook.md").read_text()
        assert rule["annotations"]["runbook"] == f"runbook.md#{rule['alert'].lower()}"
        assert f"\n### {rule['alert']}\n" in page


def test_names_are_given_once() -> None:
    assert len(NAMES) == len(set(NAMES)) > 10


def test_every_exit_code_that_asks_for_a_person_has_an_alert() -> None:
    codes = {kind.exit_code for kind in every_kind()}
    alerted = {int(code) for rule in RULES for code in re.findall(r"uae_run_exit_code == (\d)", rule["expr"])}
    assert alerted == codes - {3}, "3 is not yet: UaeNothingPublished tells if no try helps"


def test_warnings_come_before_the_gate() -> None:
    limits = load_config(None).publication
    share = float(expression("UaeQuarantineGrows").rpartition(">")[2])
    days = float(expression("UaeModelOld").rpartition(">")[2])
    assert share == pytest.approx(limits.max_quarantined_share / 2)
    assert days == pytest.approx(limits.max_model_age_days * 2 / 3)


def test_labels_of_the_files_stay_as_they_are() -> None:
    (scrape,) = yaml.safe_load((FOLDER / "scrape.yml").read_text())["scrape_configs"]
    assert scrape["honor_labels"] is True, "otherwise job is called exported_job"
    assert all("job" in labels for labels in LABELS.values())


@pytest.fixture(scope="module")
def promtool() -> str:
    """Return Prometheus's own checker, which Debian's package brings; without a network there may be none."""
    found = subprocess.run(
        [DEPLOY.parent / "scripts" / "promtool.sh"], capture_output=True, text=True, check=False
    )
    if found.returncode != 0:
        pytest.skip(found.stderr.strip())
    return found.stdout.strip()


@pytest.mark.slow
class TestPromtool:
    def test_it_takes_the_rules_and_the_scrape_configuration(self, promtool: str) -> None:
        for kind, file in (("rules", "alerts.yml"), ("config", "scrape.yml")):
            subprocess.run([promtool, "check", kind, FOLDER / file], check=True, capture_output=True)

    def test_it_refuses_a_rule_that_is_none(self, promtool: str, tmp_path: Path) -> None:
        broken = (FOLDER / "alerts.yml").read_text().replace("uae_run_exit_code == 4", "uae_run_exit_code ==")
        (tmp_path / "alerts.yml").write_text(broken)
        checked = subprocess.run(
            [promtool, "check", "rules", tmp_path / "alerts.yml"], check=False, capture_output=True, text=True
        )
        assert checked.returncode != 0
        assert "parse error" in checked.stderr + checked.stdout

    def test_series_of_a_run_raise_the_alerts_that_they_must(self, promtool: str, tmp_path: Path) -> None:
        shutil.copy(FOLDER / "alerts.yml", tmp_path)
        shutil.copy(Path(__file__).with_name("alerts_test.yml"), tmp_path)
        told = subprocess.run(
            [promtool, "test", "rules", "alerts_test.yml"],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert told.returncode == 0, told.stderr + told.stdout
