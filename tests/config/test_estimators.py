"""The catalogue of estimators: one line each, and everything else reads it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import uae_model
from uae_model.config import load_config
from uae_model.config.estimators import AUTO, CATALOGUE, ESTIMATOR_NAMES, catalogue_entry
from uae_model.config.evaluation import EvaluationSettings
from uae_model.config.model_sections import TrainingSettings
from uae_model.estimators import ESTIMATORS

PACKAGE = Path(uae_model.__file__).parent


def test_the_defaults_are_those_that_every_stored_digest_was_made_with() -> None:
    assert TrainingSettings().candidates == ("joint", "chain")
    assert EvaluationSettings().weightings == (
        *("none", "constant", "active_only", "edm", "ndb", "pn", "sar", "uae", "auto", "truth"),
    )


def test_every_line_has_its_class_and_every_file_its_line() -> None:
    assert list(ESTIMATORS) == list(ESTIMATOR_NAMES)
    assert [estimator.name for estimator in ESTIMATORS.values()] == list(ESTIMATOR_NAMES)
    named = {
        name
        for file in (PACKAGE / "estimators").glob("*.py")
        for name in re.findall(r'^    name = "(\w+)"', file.read_text(), re.MULTILINE)
    }
    assert named == set(ESTIMATOR_NAMES)


@pytest.mark.parametrize("name", ESTIMATOR_NAMES)
def test_settings_take_every_name(name: str) -> None:
    overrides = [f"training.estimator={name}", f'evaluation.weightings=["{name}:power:5"]']
    config = load_config(None, overrides=overrides)
    assert config.training.estimator == catalogue_entry(name).name
    assert config.evaluation.weightings == (f"{name}:power:5",)


def test_no_other_file_lists_the_names() -> None:
    """More than one quoted name in a file would be a second list, which a new estimator had to find."""
    quoted = re.compile("|".join(f'"{name}"' for name in (*ESTIMATOR_NAMES, AUTO)))
    lists = {
        str(file.relative_to(PACKAGE)): names
        for file in PACKAGE.rglob("*.py")
        if len(names := set(quoted.findall(file.read_text()))) > 1
    }
    assert set(lists) == {"config/estimators.py"}


@pytest.mark.slow
def test_a_new_line_is_known_to_settings_evaluations_and_candidates(tmp_path: Path) -> None:
    """In a copy of the package with one more file and one more line."""
    for file in PACKAGE.rglob("*"):
        copied = tmp_path / "uae_model" / file.relative_to(PACKAGE)
        if file.suffix in {".py", ".toml"}:
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_text(file.read_text())
    catalogue = tmp_path / "uae_model" / "config" / "estimators.py"
    line = 'CATALOGUE = (\n    CatalogueEntry("new", "NewEstimator", "New", is_sticky=True, in_paper=True),'
    catalogue.write_text(catalogue.read_text().replace("CATALOGUE = (", line))
    (tmp_path / "uae_model" / "estimators" / "new.py").write_text(
        "from uae_model.estimators.joint import JointEstimator\n\n\n"
        'class NewEstimator(JointEstimator):\n    name = "new"\n'
    )
    program = """
from uae_model.config import load_config
from uae_model.estimators import ESTIMATORS
from uae_model.evaluation.sentences import PREFERRED
from uae_model.evaluation.weight_rules import parse_rule
from uae_model.training.candidates import candidates_of
config = load_config(None, overrides=["training.estimator=new", "training.stickiness=[0.5]"])
rule = parse_rule("new", config.weights)
print([candidate.name for candidate in candidates_of(config.training)], ESTIMATORS["new"].__name__,
      rule.title, rule.function, "new" in config.evaluation.weightings, PREFERRED[:3])
"""
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False, env={}
    )
    assert (said.stdout, said.returncode) == (
        "['new-0.5'] NewEstimator New power True ('champion', 'auto', 'new')\n",
        0,
    ), said.stderr


def test_the_catalogue_needs_no_torch() -> None:
    program = "import sys, uae_model.config.estimators; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_titles_and_names_are_unique() -> None:
    for names in ([entry.name for entry in CATALOGUE], [entry.title for entry in CATALOGUE]):
        assert len(set(names)) == len(names)
