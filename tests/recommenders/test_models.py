"""The seven base models: one signature, and what each of them computes."""

from __future__ import annotations

import pytest
import torch

from uae_model.config.evaluation import BASE_MODEL_NAMES
from uae_model.recommenders.fields import FieldSpace
from uae_model.recommenders.models import BASE_MODELS, build_recommender

SPACE = FieldSpace(("user", "song", "gap"), (5, 7, 4), ((0.0, 1.0),))


def test_the_configuration_knows_every_base_model() -> None:
    assert tuple(BASE_MODELS) == BASE_MODEL_NAMES


@pytest.mark.parametrize("name", BASE_MODEL_NAMES)
def test_every_model_gives_a_probability_that_depends_on_every_field(name: str) -> None:
    torch.manual_seed(0)
    model = build_recommender(name, SPACE, 4, (6, 3)).eval()
    fields_BF = torch.tensor([[1, 2, 3], [4, 2, 3], [1, 6, 3], [1, 2, 0]])
    for table in model.modules():
        if isinstance(table, torch.nn.Embedding):
            torch.nn.init.normal_(table.weight)
    probability_B = model(fields_BF)
    assert probability_B.shape == (4,)
    assert ((probability_B > 0) & (probability_B < 1)).all()
    assert len(set(probability_B.tolist())) == 4
    probability_B.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("name", BASE_MODEL_NAMES)
def test_a_single_play_can_be_predicted(name: str) -> None:
    model = build_recommender(name, SPACE, 4, (6, 3)).eval()
    assert model(torch.tensor([[1, 2, 3]])).shape == (1,)


def test_the_seed_draws_the_weights() -> None:
    fields_BF = torch.tensor([[1, 2, 3], [4, 5, 0]])

    def first_guess(seed: int) -> list[float]:
        torch.manual_seed(seed)
        probabilities: list[float] = build_recommender("DeepFM", SPACE, 4, (6, 3)).eval()(fields_BF).tolist()
        return probabilities

    assert first_guess(1) == first_guess(1)
    assert first_guess(1) != first_guess(2)


def test_fm_is_bias_plus_weights_plus_inner_products() -> None:
    torch.manual_seed(0)
    model = build_recommender("FM", SPACE, 2, ())
    network = model.network
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    fields = {"user": 1, "song": 2, "gap": 3}
    vectors = [
        network.get_parameter(f"embedding.embed_dict.{name}.weight")[index] for name, index in fields.items()
    ]
    expected = network.get_parameter("bias") + sum(
        network.get_parameter(f"first_order.{name}.weight")[index, 0] for name, index in fields.items()
    )
    expected = expected + vectors[0] @ vectors[1] + vectors[0] @ vectors[2] + vectors[1] @ vectors[2]
    assert torch.logit(model(torch.tensor([[1, 2, 3]]))).item() == pytest.approx(expected.item(), abs=1e-4)
