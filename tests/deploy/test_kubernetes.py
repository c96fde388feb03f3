"""Manifests: valid by Kubernetes' own schemas, and what the code and spark_conf say elsewhere too."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest
import yaml

from jobs.nightly import main as nightly
from tests.docs.pages import ROOT
from tests.error_kinds import every_kind
from uae_model import __version__
from uae_model.config.sections import Identity
from uae_model.core.errors import UaeError
from uae_model.lake.spark import SPARK_CONF_FOLDER, read_spark_conf

FOLDER = ROOT / "deploy" / "kubernetes"
OLDEST = "1.31"
"""Since when podFailurePolicy is stable."""

LAYERS = ("common", "cluster", "elastic", "kubernetes", "ingest", "sessions")
"""What scripts/submit.sh lays over one another for a night on Kubernetes."""


SAID_BY_THE_KIND = (
    *("spark.master", "spark.submit.deployMode", "spark.kubernetes.namespace"),
    "spark.kubernetes.submission.waitAppCompletion",
)
"""Settings of these that the operator makes itself, of the kind and place of the manifest."""


def manifests(name: str) -> list[dict[str, Any]]:
    return [dict(manifest) for manifest in yaml.safe_load_all((FOLDER / name).read_text())]


def pod() -> dict[str, Any]:
    (cronjob,) = manifests("cronjob.yaml")
    spec: dict[str, Any] = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return spec


def application() -> dict[str, Any]:
    (manifest,) = manifests("sparkapplication.yaml")
    spec: dict[str, Any] = manifest["spec"]
    return spec


@pytest.mark.parametrize("name", ["cronjob.yaml", "serviceaccount.yaml"])
def test_kubernetes_takes_it(name: str) -> None:
    for manifest in manifests(name):
        kubernetes_validate.validate(manifest, OLDEST, strict=True)


def test_the_schema_refuses_a_misspelt_key() -> None:
    (cronjob,) = manifests("cronjob.yaml")
    cronjob["spec"]["shedule"] = cronjob["spec"].pop("schedule")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(cronjob, OLDEST, strict=True)


def test_one_more_try_is_for_errors_that_may_pass() -> None:
    (cronjob,) = manifests("cronjob.yaml")
    (rule,) = cronjob["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    assert rule["action"] == "FailJob"
    assert rule["onExitCodes"]["containerName"] == pod()["containers"][0]["name"]
    codes = {kind.exit_code for kind in every_kind()}
    assert set(rule["onExitCodes"]["values"]) == codes - {UaeError.exit_code}
    assert cronjob["spec"]["concurrencyPolicy"] == "Forbid"


def test_images_and_versions_are_those_of_this_release() -> None:
    assert pod()["containers"][0]["image"] == f"uae:{__version__}"
    assert application()["image"] == f"uae:{__version__}"
    pinned = (ROOT / "requirements.txt").read_text()
    assert f"\npyspark=={application()['sparkVersion']} " in pinned


def test_the_key_comes_from_a_secret_under_the_name_that_the_settings_read() -> None:
    name = Identity().hmac_key_env
    for environment in (pod()["containers"][0]["env"], application()["driver"]["env"]):
        (variable,) = environment
        assert variable["name"] == name
        assert "secretKeyRef" in variable["valueFrom"]


def test_commands_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str]] = []

    def only_parsed(parser: Any, argv: list[str], body: Any) -> int:
        args = parser.parse_args(argv)
        told.append((args.config, args.date))
        return 0

    monkeypatch.setattr("jobs.nightly.run", only_parsed)
    assert nightly(application()["arguments"]) == 0
    assert told == [("/data/uae.toml", "2026-01-13")]
    shell = pod()["containers"][0]["args"]
    assert shell[:2] == ["sh", "-c"]
    assert shell[2].startswith("exec uae nightly --config /data/uae.toml --date ")


class TestSparkApplication:
    """The settings of the operator's manifest are those of scripts/submit.sh, in fields or in sparkConf."""

    def fields(self) -> dict[str, str]:
        spec = application()
        told = {
            "spark.kubernetes.container.image.pullPolicy": spec["imagePullPolicy"],
            "spark.kubernetes.authenticate.driver.serviceAccountName": spec["driver"]["serviceAccount"],
            "spark.executor.cores": str(spec["executor"]["cores"]),
        }
        for role in ("driver", "executor"):
            told[f"spark.{role}.memory"] = spec[role]["memory"]
            told[f"spark.{role}.memoryOverhead"] = spec[role]["memoryOverhead"]
        return told

    def test_they_are_spark_conf(self) -> None:
        layered: dict[str, str] = {}
        for layer in LAYERS:
            layered.update(read_spark_conf(SPARK_CONF_FOLDER / f"{layer}.conf"))
        for name in SAID_BY_THE_KIND:
            del layered[name]
        assert {**application()["sparkConf"], **self.fields()} == layered

    def test_the_program_is_where_the_image_has_it(self) -> None:
        submit = (ROOT / "scripts" / "submit.sh").read_text()
        folder = "local:///opt/uae/"
        assert f"program={folder}$program" in submit
        assert application()["mainApplicationFile"] == f"{folder}jobs/nightly.py"

    def test_the_account_is_the_one_that_may_start_executors(self) -> None:
        account, role, binding = manifests("serviceaccount.yaml")
        assert account["metadata"]["name"] == application()["driver"]["serviceAccount"]
        assert binding["roleRef"]["name"] == role["metadata"]["name"]
        assert "pods" in role["rules"][0]["resources"]
