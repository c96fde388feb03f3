"""A champion scores only plays whose features are declared as those that it was trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from uae_model.config import Config, load_config
from uae_model.core.errors import ModelError
from uae_model.registry.client import require_same_features


class TestSameFeatures:
    TRAINED = load_config(None).features

    def test_the_declaration_of_the_training_is_the_same(self, config: Config) -> None:
        require_same_features(self.TRAINED, config)

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            (lambda features: features[1:], "hour_of_day"),
            (lambda features: [*features[1:], features[0]], "their order"),
            (lambda features: [features[0].model_copy(update={"buckets": 25}), *features[1:]], "hour_of_day"),
            (lambda features: [*features, features[0].model_copy(update={"name": "new"})], "new"),
            (
                lambda features: (
                    [f.model_copy(update={"name": f"{f.name}_2"}) for f in features[:1]] + list(features[1:])
                ),
                "hour_of_day, hour_of_day_2",
            ),
        ],
        ids=["fewer", "another order", "other buckets", "more", "renamed"],
    )
    def test_other_features_are_named(
        self, config: Config, change: Callable[[Sequence[Any]], Sequence[Any]], named: str
    ) -> None:
        changed = config.with_features(change(config.features))
        with pytest.raises(ModelError, match=rf"differing: {named}\); train and promote"):
            require_same_features(self.TRAINED, changed)
