"""Every setting has a meaning and a range, and a value outside is refused by name."""

from __future__ import annotations

import pytest

from uae_model.config import load_config
from uae_model.config.base import Section
from uae_model.config.sections import Sections
from uae_model.core.errors import ConfigError

OUT_OF_RANGE = [
    ("feed.format=xml", "Input should be 'parquet', 'jsonl', 'csv', 'mssd'"),
    ("feed.time_format=rfc", "'iso', 'epoch_seconds', 'epoch_millis' or 'epoch_micros'"),
    ("feed.time_of=middle", "'start' or 'end'"),
    ("feed.feedback_map.x=love", "'like', 'share', 'download', 'skip', 'dislike' or 'auto_play'"),
    ("feed.late_days=-1", "greater than or equal to 0"),
    ("feed.late_days=31", "less than or equal to 30"),
    ("feed.future_hours=-1", "greater than or equal to 0"),
    ('labels.active=["love"]', "'like', 'share', 'download', 'skip', 'dislike' or 'auto_play'"),
    ('labels.priority=["like"]', "must list each of like, share, download, skip, dislike, auto_play once"),
    ("sessions.gap_minutes=0", "greater than 0"),
    ("sessions.gap_minutes=361", "less than or equal to 360"),
    ("sessions.max_hours=25", "less than or equal to 24"),
    ("sessions.max_play_hours=-1", "greater than 0"),
    ("sessions.max_plays_per_user_day=0", "greater than or equal to 1"),
    ("snapshot.min_fill=0.4", "greater than or equal to 0.5"),
    ("snapshot.min_fill=1.1", "less than or equal to 1"),
    ("snapshot.row_group_sessions=0", "greater than or equal to 1"),
    ("snapshot.min_session_plays=0", "greater than or equal to 1"),
    ("snapshot.split=users", "'days' or 'sessions'"),
    ("snapshot.shares=[8, 2]", "must be set"),
    ("snapshot.shares=[8, 2, 0]", "greater than or equal to 1"),
    ("snapshot.split_seed=-1", "greater than or equal to 0"),
    ("feed.listened_share=1.5", "less than or equal to 1"),
    ("feed.action_minutes=-1", "greater than or equal to 0"),
    ("network.embedding=0", "greater than or equal to 1"),
    ("network.mlp=[8, 0]", "greater than or equal to 1"),
    ("training.estimator=magic", "Input should be 'auto', 'joint', 'chain'"),
    ("training.learning_rate_attention=0", "greater than 0"),
    ("training.propensity_floor=0.5", "less than 0.5"),
    ("training.attention_floor=-0.1", "greater than or equal to 0"),
    ("training.seed=-1", "greater than or equal to 0"),
    ("training.distributed=moon", "'driver' or 'cluster'"),
    ("training.clip_risk=perhaps", "true or false"),
    ("registry.experiment=''", "at least 1 character"),
    ("promotion.max_nll_increase=-0.1", "greater than or equal to 0"),
    ("scoring.rows_per_task=0", "greater than or equal to 1"),
    ("weights.function=cubic", "Input should be 'linear', 'power', 'scaled', 'constant' or 'auto'"),
    ('weight_choice.candidates=["none", "linear", "scaled:2"]', "scaled:MEAN (MEAN below 1)"),
    ('weight_choice.candidates=["linear"]', "none must be among them"),
    ("weight_choice.fits=1", "greater than or equal to 2"),
    ("weight_choice.max_plays=0", "greater than or equal to 1"),
    ("weights.gamma=0", "greater than 0"),
    ("publication.max_quarantined_share=1.5", "less than or equal to 1"),
    ("retention.published_days=0", "greater than or equal to 1"),
    ("nightly.train=daily", "'never', 'when_missing', 'weekly' or 'always'"),
    ("paths.tables=7", "text in quotes"),
]


@pytest.mark.parametrize(("override", "allowed"), OUT_OF_RANGE)
def test_a_value_out_of_range_is_refused_with_key_value_and_what_is_allowed(
    override: str, allowed: str
) -> None:
    with pytest.raises(ConfigError) as failure:
        load_config(None, overrides=[override])
    key, _, value = override.partition("=")
    message = str(failure.value)
    assert message.startswith(key)
    assert allowed in message
    if not value.startswith("["):
        assert value.strip("'") in message


def test_the_setting_that_day_states_replaced_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^tuning\.history_commits: no such setting"):
        load_config(None, overrides=["tuning.history_commits=200"])


@pytest.mark.parametrize("section", sorted(Sections.model_fields))
def test_an_unknown_setting_is_refused_in_every_section(section: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{section}\.no_such_key: no such setting"):
        load_config(None, overrides=[f"{section}.no_such_key=1"])


@pytest.mark.parametrize("section", sorted(Sections.model_fields))
def test_every_setting_says_what_it_means(section: str) -> None:
    kind = Sections.model_fields[section].annotation
    assert isinstance(kind, type)
    assert issubclass(kind, Section)
    assert kind.model_fields
    for name, field in kind.model_fields.items():
        assert field.description, f"{section}.{name}"
        assert not field.description[0].islower(), f"{section}.{name}: {field.description}"


def test_limits_of_the_mean_weight_must_be_in_order() -> None:
    with pytest.raises(ConfigError, match=r"min_passive_weight_mean must not exceed publication.max_passive"):
        load_config(
            None,
            overrides=["publication.min_passive_weight_mean=0.6", "publication.max_passive_weight_mean=0.5"],
        )


def test_settings_cannot_be_changed_later() -> None:
    config = load_config(None)
    with pytest.raises(ValueError, match="frozen"):
        config.weights.gamma = 3.0
