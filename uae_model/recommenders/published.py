"""Samples from the published weights, through Petastorm: what a recommender team trains on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import torch

from uae_model.config import Feature, FeatureSet
from uae_model.readers.features import published_declaration
from uae_model.readers.torch import weighted_batches
from uae_model.recommenders.fields import FieldSpace
from uae_model.recommenders.samples import Samples


def published_samples(
    tables: str,
    first: date | str,
    last: date | str | None = None,
    *,
    features: Sequence[Feature] | None = None,
    space: FieldSpace | None = None,
) -> tuple[FieldSpace, Samples]:
    """Return the published plays of some days with their ``sample_weight``, and the fields they are in.

    Args:
        tables: the folder or URI of the tables.
        first: first day.
        last: last day, included.
        features: those to read, as declared; by default all of the last of these days, as published.
        space: the fields of the training days, for other days; by default they are fitted to these plays.

    Raises:
        InputError: naming the days of the range that are not published.
        ContractError: if other rows were read than were published.
    """
    if features is None:
        features = FeatureSet.of_plain(published_declaration(tables, last or first))
    declared = FeatureSet(features)
    batches = list(weighted_batches(tables, first, last, features=declared))
    categorical, numeric = (
        [torch.cat([batch.features[feature.name] for batch in batches]).numpy() for feature in of_kind]
        for of_kind in (declared.categorical, declared.numeric)
    )
    label_N = torch.cat([batch.label_B for batch in batches])
    numeric_NF = np.stack(numeric, axis=1) if numeric else np.empty((len(label_N), 0), np.float32)
    fitted = space or FieldSpace.fit(features, numeric_NF)
    fields_NF = fitted.encode(np.stack(categorical, axis=1), numeric_NF)
    return fitted, Samples(fields_NF, label_N, torch.cat([batch.sample_weight_B for batch in batches]))
