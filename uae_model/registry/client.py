"""MLflow: training runs, the two registered models, the champion.

Attention and propensity are registered together from one run. The attention version's tags name its
propensity version, so the pair stays a pair even if a crash falls between moving the two aliases.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from uae_model.config import Config, FeatureSet
from uae_model.core.errors import ModelError, first_line
from uae_model.core.logs import log
from uae_model.core.scratch import scratch_folder
from uae_model.features.references import FeatureReference, read_references
from uae_model.models.networks import NetworkShape
from uae_model.models.pair import Traits
from uae_model.registry import pyfunc
from uae_model.registry.artifacts import FOLDER, folder_of_files, read_model_files
from uae_model.registry.champions import NOT_THERE, ChampionPlace
from uae_model.registry.description import (
    estimate_tags,
    input_example,
    last_day_of,
    model_description,
    signature,
    training_description,
    training_tags,
)
from uae_model.registry.gates import RegisteredCandidate
from uae_model.registry.moved import place_after_move
from uae_model.registry.overview import FORCED, ModelLine, model_line
from uae_model.registry.tracking import quiet_mlflow, tracked_by
from uae_model.registry.training_runs import TrainingRuns
from uae_model.snapshot.manifest import Manifest
from uae_model.training.job import TrainingResult
from uae_model.weights.choice import WeightChoice

WEIGHT_CHOICE = "weight_choice"
"""Tag of an attention version: the weight function that was chosen on data for it."""
ARTIFACT_DIGEST = "artifact_digest"
"""Tag of a version: the digest of its files (``uae_model.registry.artifacts``)."""
LONGEST_TAG = 4000
"""Letters of a tag, at most; MLflow takes 5000."""
FOLLOWS_LOST = "follows_lost_registry"
"""Tag of the attention model: a person said that the registry which publications name is lost for good."""


@dataclass(frozen=True)
class Champion:
    """The pair that scores: versions, stored networks, the features they were trained on and their shares."""

    attention_version: int
    propensity_version: int
    state: dict[str, Any]
    features: FeatureSet
    references: tuple[FeatureReference, ...] = ()
    weight_choice: WeightChoice | None = None
    digest: str = ""
    last_day: date | None = None
    """The last day that it was trained or validated on; None where its version does not tell."""

    @property
    def traits(self) -> Traits:
        """What the pair is beside its networks."""
        return Traits(**self.state["traits"])


class Registry:
    """All calls to MLflow outside the training processes."""

    def __init__(self, config: Config) -> None:
        quiet_mlflow()
        self.config = config
        self.uri = config.paths.mlflow
        self._client = MlflowClient(self.uri)
        self._attention = config.registry.attention_model
        self._propensity = config.registry.propensity_model
        self._runs = TrainingRuns(self._client, config)
        self._place = ChampionPlace(self._client, self._attention, self._propensity)

    def open_run(self, key: str, manifest: Manifest, days: tuple[date, date]) -> str:
        """Return the run of a training (see ``TrainingRuns.open``)."""
        return self._runs.open(key, manifest, days)

    def registered(self, key: str) -> tuple[int, int] | None:
        """Return the versions (attention, propensity) that a finished training registered.

        Those without a digest do not count, so that training again registers them again.
        """
        attention = self._version_of(self._attention, key)
        propensity = self._version_of(self._propensity, key)
        return (attention, propensity) if attention and propensity else None

    def register(
        self,
        key: str,
        run_id: str,
        manifest: Manifest,
        result: TrainingResult,
        extra_tags: Mapping[str, str],
    ) -> tuple[int, int]:
        """Register both models from their run and return the versions (attention, propensity).

        A version that an interrupted attempt registered already is kept.
        """
        state = result.state()
        self._runs.log_chosen(run_id, {**result.metrics, "training_plays": float(manifest.train.plays)})
        tags = {
            "training_key": key,
            **training_tags(manifest, result),
            **extra_tags,
        }
        description = training_description(manifest, result)
        declaration = {"features": manifest.features.to_plain(), "snapshot": manifest.to_plain()}
        propensity = self._version_of(self._propensity, key) or self._log_model(
            "propensity", run_id, state, declaration, tags, description
        )
        tags = {**tags, "propensity_version": str(propensity)}
        attention = self._version_of(self._attention, key) or self._log_model(
            "attention", run_id, state, declaration, tags, description
        )
        self._runs.finish(
            run_id,
            estimate_tags(manifest, result, NetworkShape.from_dict(state["shape"])),
            description,
        )
        log("models registered", attention_version=attention, propensity_version=propensity)
        return attention, propensity

    def champion_versions(self) -> tuple[int, int] | None:
        """Resolve the champion once: (attention, propensity), or None where none was promoted."""
        return self._place.versions()

    def champion(self) -> Champion:
        """Load the champion.

        Raises:
            ModelError: if there is none, or if it was trained on other features than the configuration's.
        """
        versions = self.champion_versions()
        if versions is None:
            raise ModelError(
                f"{self._attention} has no champion in {self.uri}; run uae train, then uae promote"
            )
        champion = self.load(*versions)
        require_same_features(champion.features, self.config)
        return champion

    def load(self, attention_version: int, propensity_version: int) -> Champion:
        """Load a registered pair; the propensity model's artifact holds both networks.

        Raises:
            ModelError: if its files are missing, or are not those that were registered.
        """
        uri = f"models:/{self._propensity}/{propensity_version}"
        try:
            registered = self._client.get_model_version(self._propensity, str(propensity_version))
            recorded = self._client.get_model_version_download_uri(self._propensity, str(propensity_version))
            place = place_after_move(recorded, self.config.paths.mlflow_artifacts)
            if place == recorded:
                with tracked_by(self.uri):
                    artifact = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
            else:
                artifact = Path(place)
        except (MlflowException, OSError) as error:
            raise ModelError(
                f"{uri} cannot be read from {self.uri}: {first_line(error)}; restore its artifacts, or "
                "promote another version"
            ) from error
        files = read_model_files(folder_of_files(artifact), uri, registered.tags.get(ARTIFACT_DIGEST))
        return Champion(
            attention_version,
            propensity_version,
            files.state,
            _stored_features(files.declaration["features"], uri),
            read_references(files.declaration["snapshot"].get("references", ())),
            self.weight_choice(attention_version),
            files.digest,
            last_day_of(registered.tags),
        )

    def weight_choice(self, attention_version: int) -> WeightChoice | None:
        """Return the weight function that was chosen on data for a version, None where none was."""
        text = self.version(attention_version).tags.get(WEIGHT_CHOICE)
        return None if text is None else WeightChoice.from_json(text)

    def record_weight_choice(self, attention_version: int, choice: WeightChoice) -> None:
        """Keep a choice with its version, in place of an earlier one, and its gain with the version's run."""
        version = self.version(attention_version)
        self._runs.log_chosen(str(version.run_id), {"weight_gain": choice.chosen.gain})
        self._client.set_model_version_tag(
            self._attention, str(attention_version), WEIGHT_CHOICE, choice.to_json()
        )
        log("weight function chosen", attention_version=attention_version, weighting=choice.name)

    def has_digest(self, attention_version: int) -> bool:
        """Tell whether a version's files are known by a digest: those of earlier releases are not."""
        return ARTIFACT_DIGEST in self.version(attention_version).tags

    @property
    def follows_lost(self) -> bool:
        """Whether a person said that this registry takes the place of one that is lost."""
        models = self._client.search_registered_models(f"name = '{self._attention}'")
        return any(FOLLOWS_LOST in model.tags for model in models)

    def follow_lost(self) -> None:
        """Remember that this registry takes the place of one that is lost, with the models it had."""
        self._client.set_registered_model_tag(self._attention, FOLLOWS_LOST, date.today().isoformat())

    def version(self, number: int | None = None) -> ModelVersion:
        """Return a version of the attention model, the newest by default.

        Raises:
            ModelError: if there is no such version.
        """
        try:
            if number is not None:
                return self._client.get_model_version(self._attention, str(number))
            versions = self._client.search_model_versions(f"name = '{self._attention}'")
        except MlflowException as error:
            raise ModelError(f"{self._attention} version {number}: {error.message}") from error
        if not versions:
            raise ModelError(f"{self._attention} has no version in {self.uri}; run uae train first")
        return max(versions, key=lambda version: int(version.version))

    def set_champion(self, attention: ModelVersion, forced: Sequence[str] = ()) -> None:
        """Move the alias of both models and remember the pair that was champion before.

        Args:
            attention: the version.
            forced: the gates that a person overruled.
        """
        if forced or FORCED in attention.tags:
            text = "; ".join(forced)[:LONGEST_TAG]
            self._client.set_model_version_tag(self._attention, attention.version, FORCED, text)
        self._place.promote(attention)

    def roll_back(self) -> int:
        """Make the champion before the present one champion again; return its attention version.

        Doing it again goes further back. What was champion until now is not remembered: a promotion by its
        number brings it back.

        Raises:
            ModelError: if there was none.
        """
        version = self.version(self._place.before())
        self._place.step_back(version)
        return int(version.version)

    def overview(self) -> list[ModelLine]:
        """Return what there is to say of every attention version, newest first.

        Raises:
            ModelError: if there is none.
        """
        newest = int(self.version().version)
        numbers = range(newest, 0, -1)
        versions = [version for number in numbers if (version := self._version_or_none(number)) is not None]
        return [self.line(version) for version in versions]

    def _version_or_none(self, number: int) -> ModelVersion | None:
        """Return a version, None where it was deleted. A search would leave out the aliases."""
        try:
            return self._client.get_model_version(self._attention, str(number))
        except MlflowException as error:
            if error.error_code == NOT_THERE:
                return None
            raise

    def line(self, version: ModelVersion) -> ModelLine:
        """Return what there is to say of an attention version."""
        return model_line(
            int(version.version),
            version.tags,
            version.aliases,
            self.candidate(version),
            self.config.promotion,
            version.tags.get(ARTIFACT_DIGEST, ""),
        )

    def history(self, version: int) -> dict[str, list[tuple[int, float]]]:
        """Return what was logged while an attention version was trained: name -> (step, value), by step."""
        return self._runs.history(str(self.version(version).run_id))

    def recorded(self, version: int) -> dict[str, str]:
        """Return what is known of an attention version, as text: of its training, its figures, its tags."""
        registered = self.version(version)
        return {**self._runs.recorded(str(registered.run_id)), **registered.tags}

    def candidate(self, version: ModelVersion) -> RegisteredCandidate:
        """Return what the gates ask of an attention version."""
        return RegisteredCandidate.of(self._runs.metrics(str(version.run_id)), version.tags)

    def _version_of(self, model: str, key: str) -> int | None:
        for version in self._client.search_model_versions(f"name = '{model}'"):
            if version.tags.get("training_key") == key and ARTIFACT_DIGEST in version.tags:
                return int(version.version)
        return None

    def _log_model(
        self,
        output: str,
        run_id: str,
        state: dict[str, Any],
        declaration: Mapping[str, Any],
        tags: Mapping[str, str],
        description: str,
    ) -> int:
        name = self._attention if output == "attention" else self._propensity
        with (
            tempfile.TemporaryDirectory(dir=scratch_folder()) as folder,
            tracked_by(self.uri),
            mlflow.start_run(run_id=run_id),
        ):
            files = Path(folder) / FOLDER
            digest = pyfunc.write_served_files(files, output, state, declaration)
            info = mlflow.pyfunc.log_model(
                name=output,
                loader_module=pyfunc.__name__,
                data_path=str(files),
                signature=signature(output, self.config),
                input_example=input_example(self.config),
                pip_requirements=pyfunc.pinned_requirements(),
                registered_model_name=name,
            )
        version = str(info.registered_model_version)
        for key, value in {**tags, ARTIFACT_DIGEST: digest}.items():
            if value:
                self._client.set_model_version_tag(name, version, key, value)
        self._client.update_model_version(name, version, description)
        if not self._client.get_registered_model(name).description:  # a person may have written another
            self._client.update_registered_model(name, model_description(output, self.config))
        return int(version)


def require_same_features(trained: FeatureSet, config: Config) -> None:
    """Raise ModelError, naming the features, where a model was trained on another declaration."""
    if trained != config.features:
        differing = {feature.name for feature in set(trained).symmetric_difference(config.features)}
        listed = ", ".join(sorted(differing)) or "their order"
        raise ModelError(
            f"the champion was trained on other features (differing: {listed}); "
            "train and promote a model on the present declaration, or restore the old one"
        )


def _stored_features(plain: list[dict[str, Any]], uri: str) -> FeatureSet:
    try:
        return FeatureSet.of_plain(plain)
    except ValueError as error:
        raise ModelError(
            f"{uri}: this version cannot declare its features, so train and promote a new model: {error}"
        ) from error
