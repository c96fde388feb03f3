"""One registry for all tests of the registry that leave its models as they are."""

from __future__ import annotations

from collections.abc import Iterator

import mlflow
import pytest

from tests.registry.builders import Trained
from uae_model.registry.tracking import tracked_by


@pytest.fixture(scope="package")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    before = mlflow.get_tracking_uri()
    trained = Trained(tmp_path_factory.mktemp("registry"))
    assert mlflow.get_tracking_uri() == before  # the registry leaves the process's own server alone
    with tracked_by(trained.config.paths.mlflow):  # where the tests ask MLflow itself
        yield trained
