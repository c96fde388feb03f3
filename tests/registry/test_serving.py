"""The registered models as MLflow serves them: plays in, numbers out, and what their pages say."""

from __future__ import annotations

import shutil
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import Array

from tests.registry.builders import ROWS, Trained, expected
from tests.training_builders import EncodedPlays, encode_plays
from uae_model.config import Config, load_config
from uae_model.core.errors import InputError
from uae_model.models.pair import NetworkPair
from uae_model.registry import pyfunc
from uae_model.registry.artifacts import FOLDER

pytestmark = pytest.mark.slow

COLUMNS = [feature.column for feature in load_config(None).features]


def encoded_sessions(config: Config, encoded: EncodedPlays) -> pd.DataFrame:
    """Return one row for each session: an array for each declared feature, and ``is_active``."""
    cuts = np.cumsum(encoded.lengths)[:-1]
    matrices = (
        (config.features.categorical, encoded.categorical),
        (config.features.numeric, encoded.numeric.astype(float)),
    )
    columns = {
        feature.name: np.split(matrix[:, index], cuts)
        for features, matrix in matrices
        for index, feature in enumerate(features)
    }
    columns["is_active"] = np.split(encoded.feedback == 1, cuts)
    return pd.DataFrame({name: [part.tolist() for part in parts] for name, parts in columns.items()})


def signature_of_before(config: Config, output: str) -> ModelSignature:
    """Return the signature that models had."""
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(Array(DataType.long if feature.is_categorical else DataType.double), feature.name)
        for feature in config.features
    ]
    inputs.append(ColSpec(Array(DataType.boolean), "is_active"))
    return ModelSignature(Schema(inputs), Schema([ColSpec(Array(DataType.double), output)]))


@pytest.mark.parametrize("output", ["attention", "propensity"])
class TestServing:
    @pytest.mark.parametrize(("key", "version"), [("one", 1), ("two", 2)])
    def test_plays_as_they_stand_get_the_numbers_of_plain_torch(
        self, trained: Trained, output: str, key: str, version: int
    ) -> None:
        model = mlflow.pyfunc.load_model(f"models:/uae-{output}/{version}")
        plays = pd.DataFrame(ROWS, index=range(100, 100 + len(ROWS)))
        shuffled = plays.sample(frac=1, random_state=3)[model.metadata.get_input_schema().input_names()]
        answer = model.predict(shuffled)
        assert list(answer.columns) == [output]
        assert list(answer.index) == list(shuffled.index)  # a column that can be put beside the plays
        np.testing.assert_allclose(
            answer.sort_index()[output], expected(trained, key, output), rtol=0, atol=1e-6
        )

    def test_sessions_of_arrays_get_arrays(self, trained: Trained, output: str) -> None:
        model = mlflow.pyfunc.load_model(f"models:/uae-{output}/1")
        sessions = pd.DataFrame(ROWS).groupby("session_id")[[*COLUMNS, "is_active"]].agg(list)
        answer = model.predict(sessions)[output]
        assert answer.map(len).tolist() == sessions["is_active"].map(len).tolist()
        np.testing.assert_allclose(
            np.concatenate(answer.to_list()), expected(trained, "one", output), rtol=0, atol=1e-6
        )

    def test_artifacts_are_tensors_and_json(self, trained: Trained, output: str) -> None:
        folder = Path(mlflow.artifacts.download_artifacts(f"models:/uae-{output}/1"))
        endings = {path.suffix for path in folder.rglob("*") if path.is_file()}
        assert not endings & {".pkl", ".pickle", ".cloudpickle"}
        assert not endings & {".py", ".pyc"}  # the installed package's code is what runs
        state = torch.load(folder / "data" / FOLDER / "networks.pt", weights_only=True)
        rebuilt = encode_plays(trained.config, ROWS).predict(NetworkPair.from_state(state))
        np.testing.assert_array_equal(
            rebuilt[0 if output == "attention" else 1], expected(trained, "one", output)
        )

    def test_a_version_says_where_it_comes_from(self, trained: Trained, output: str) -> None:
        version = trained.client.get_model_version(f"uae-{output}", "1")
        assert version.run_id == trained.runs["one"]
        links = {"propensity_version": "1"} if output == "attention" else {}
        assert version.tags == {
            **{"training_key": "one", "estimator": "chain"},
            **{"training_days": "2026-01-05..2026-01-06", "validation_days": "2026-01-07..2026-01-07"},
            "artifact_digest": trained.registry.load(1, 1).digest,
            **links,
        }
        assert version.description == (
            "Estimator `chain` (stickiness 0.7), trained on 70 plays of 2026-01-05 to 2026-01-06, judged on "
            "2026-01-07. In nats a play: validation loss 0.2512."
        )

    def test_the_signature_names_every_column(self, trained: Trained, output: str) -> None:
        signature = mlflow.models.get_model_info(f"models:/uae-{output}/1").signature
        assert signature.inputs.input_names() == [*COLUMNS, "is_active", "session_id", "position"]
        assert signature.inputs.optional_input_names() == ["session_id", "position"]
        assert signature.outputs.input_names() == [output]

    def test_a_model_says_what_it_gives_and_takes(self, trained: Trained, output: str) -> None:
        text = trained.client.get_registered_model(f"uae-{output}").description
        assert text.startswith(
            {"attention": "The probability that the user", "propensity": "The prob"}[output]
        )
        assert all(f"`{name}`" in text for name in (*COLUMNS, "is_active", "session_id", "position"))

    def test_no_plays_give_no_rows(self, trained: Trained, output: str) -> None:
        model = mlflow.pyfunc.load_model(f"models:/uae-{output}/1")
        answer = model.predict(pd.DataFrame(ROWS)[:0][model.metadata.get_input_schema().input_names()])
        assert list(answer.columns) == [output]
        assert len(answer) == 0

    def test_a_model_of_before_takes_encoded_sessions(
        self, trained: Trained, output: str, tmp_path: Path
    ) -> None:
        """As earlier releases registered it: bucket numbers by the features' names, no file ``inputs``."""
        now = Path(mlflow.artifacts.download_artifacts(f"models:/uae-{output}/1"))
        files = tmp_path / FOLDER
        shutil.copytree(now / "data" / FOLDER, files)
        (files / pyfunc.INPUTS).unlink()
        encoded = encode_plays(trained.config, ROWS)
        sessions = encoded_sessions(trained.config, encoded)
        mlflow.pyfunc.save_model(
            tmp_path / "model",
            loader_module=pyfunc.__name__,
            data_path=str(files),
            signature=signature_of_before(trained.config, output),
            input_example=sessions[:1],
            pip_requirements=pyfunc.pinned_requirements(),
        )
        answer = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(sessions)[output]
        assert answer.map(len).tolist() == encoded.lengths.tolist()
        np.testing.assert_allclose(
            np.concatenate(answer.to_list()), expected(trained, "one", output), rtol=0, atol=1e-6
        )


def test_a_missing_column_is_named(trained: Trained) -> None:
    model = mlflow.pyfunc.load_model("models:/uae-attention/1")
    plays = pd.DataFrame(ROWS)[[*COLUMNS, "is_active", "session_id", "position"]]
    with pytest.raises(MlflowException, match=r"missing inputs \['genre'\]"):
        model.predict(plays.drop(columns="genre"))
    with pytest.raises(InputError, match="rows of plays need session_id and position beside the features"):
        model.predict(plays.drop(columns=["session_id", "position"]))
