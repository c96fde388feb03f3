"""One training loop for all base models: the weighted loss of Eq. 18, Adam, early stopping."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from uae_model.config.evaluation import EvaluationSettings
from uae_model.core.errors import ModelError
from uae_model.readers.torch import weighted_binary_cross_entropy
from uae_model.recommenders.models import Recommender
from uae_model.recommenders.samples import Samples

PREDICTION_BATCH = 32_768
SMALLEST_PROBABILITY = 1e-7
"""The base models give probabilities; beyond this, float32 cannot tell them from 0 and 1."""


Watch = Callable[[Recommender], Mapping[str, float]]
"""Returns more metrics of a model after an epoch."""


@dataclass(frozen=True)
class FitSettings:
    """How a recommender is trained.

    ``patience`` is the number of epochs without a lower validation loss after which training stops.
    """

    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int

    @classmethod
    def of(cls, settings: EvaluationSettings, seed: int) -> FitSettings:
        """Return the configured training with a seed."""
        return cls(
            epochs=settings.epochs,
            patience=settings.patience,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            seed=seed,
        )


@dataclass
class FitResult:
    """What a training gave: the best epoch, from 0, and the metrics of every epoch."""

    best_epoch: int = -1
    history: list[dict[str, float]] = field(default_factory=list)


def fit(
    model: Recommender,
    train: Samples,
    validation: Samples,
    settings: FitSettings,
    watch: Watch | None = None,
) -> FitResult:
    """Train in place and leave the model at its best epoch, by the weighted loss on the validation plays.

    The same arguments, torch version and number of threads give the same model.

    Args:
        model: with fresh weights.
        train: plays with weights; a batch's loss is mean(w l) over its plays (Eq. 18), never divided by the
            sum of the weights.
        validation: plays of later days, weighted by the same rule.
        settings: of Adam and of stopping.
        watch: more metrics of each epoch, for its curves.

    Raises:
        ModelError: if the validation loss is no number.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    optimizer = torch.optim.Adam(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    done, best = FitResult(), copy.deepcopy(model.state_dict())
    for epoch in range(settings.epochs):
        loss = _train_epoch(model, train, settings.batch_size, optimizer, generator)
        held_out = weighted_loss(model, validation)
        if not held_out < float("inf"):
            raise ModelError(f"epoch {epoch}: the validation loss is {held_out}; lower the learning rate")
        done.history.append({"train_loss": loss, "validation_loss": held_out})
        if watch is not None:
            done.history[-1] |= watch(model)
        if done.best_epoch < 0 or held_out < done.history[done.best_epoch]["validation_loss"]:
            done.best_epoch, best = epoch, copy.deepcopy(model.state_dict())
        if epoch - done.best_epoch >= settings.patience:
            break
    model.load_state_dict(best)
    return done


def predict(model: Recommender, fields_NF: Tensor) -> Tensor:
    """Return probability_N, in evaluation mode, without gradients."""
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(part_BF) for part_BF in torch.split(fields_NF, PREDICTION_BATCH)])


def weighted_loss(model: Recommender, samples: Samples) -> float:
    """Return the loss of Eq. 18 on these plays: the mean of w l."""
    probability_N = predict(model, samples.fields_NF)
    return float(_loss(probability_N, samples))


def _loss(probability_N: Tensor, samples: Samples) -> Tensor:
    logit_N = torch.logit(probability_N, eps=SMALLEST_PROBABILITY)
    return weighted_binary_cross_entropy(logit_N, samples.label_N, samples.weight_N)


def _train_epoch(
    model: Recommender,
    train: Samples,
    batch_size: int,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> float:
    model.train()
    total = 0.0
    for batch in train.batches(batch_size, generator):
        loss = _loss(model(batch.fields_NF), batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total += float(loss.detach()) * len(batch)
    return total / len(train)
