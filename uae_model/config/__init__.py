"""One typed configuration object, built from a profile, a TOML file and overrides."""

from uae_model.config.aggregates import Aggregate
from uae_model.config.dimensions import Dimension
from uae_model.config.feature_set import FeatureSet
from uae_model.config.features import EVENT_FEATURES, Feature
from uae_model.config.feed_settings import FEED_FORMATS, FEEDBACK_TYPES, Feedback
from uae_model.config.load import PROFILES, load_config, parse_config
from uae_model.config.settings import Config
from uae_model.core.feature_words import SESSION_FEATURES

__all__ = [
    "EVENT_FEATURES",
    "FEEDBACK_TYPES",
    "FEED_FORMATS",
    "PROFILES",
    "SESSION_FEATURES",
    "Aggregate",
    "Config",
    "Dimension",
    "Feature",
    "FeatureSet",
    "Feedback",
    "load_config",
    "parse_config",
]
