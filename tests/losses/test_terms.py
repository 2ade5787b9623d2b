import numpy as np
import pytest
import torch

from depthg.config.settings import Term
from depthg.losses.depth import KERNELS
from depthg.losses.terms import UnitVectors, feature_targets, random_partners, term_losses, weighted_sum

ROLLS = [1, 3]
TERMS = {
    "self": Term(weight=0.5, shift=0.1),
    "knn": Term(weight=0.3, shift=0.02),
    "random": Term(weight=0.7, shift=0.6),
    "depth": Term(weight=0.2, shift=0.04),
}


def cosines(a, b):
    return np.array([[u @ v / np.sqrt((u @ u) * (v @ v)) for v in b] for u in a])


def loop_loss(s, f, shift, centring):
    """Eq. 2 over the crops of a batch, [B, n, m] each."""
    if centring:
        f = f - f.mean(2, keepdims=True) - (f - f.mean(2, keepdims=True)).mean() + f.mean()
    return -np.mean(np.maximum(s, 0) * (f - shift))


@pytest.fixture
def batch():
    rng = np.random.default_rng(5)
    shapes = {"f": (4, 3, 6), "g": (4, 3, 6), "s": (4, 3, 2), "t": (4, 3, 2)}
    drawn = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return {**drawn, "d": rng.random((4, 3))}


@pytest.mark.parametrize("centring", [True, False])
def test_terms_against_loops(batch, centring):
    f, g, s, t, d = (batch[name] for name in "fgstd")
    everyone = range(4)

    def term(other_f, other_s, partner, shift):
        target = np.stack([cosines(f[i], other_f[partner(i)]) for i in everyone])
        codes = np.stack([cosines(s[i], other_s[partner(i)]) for i in everyone])
        return loop_loss(codes, target, shift, centring)

    expected = {
        "self": term(f, s, lambda i: i, 0.1),
        "knn": term(g, t, lambda i: i, 0.02),
        "random": np.mean([term(f, s, lambda i, roll=roll: (i - roll) % 4, 0.6) for roll in ROLLS]),
    }
    own = np.stack([cosines(s[i], s[i]) for i in everyone])
    agreement = np.stack([np.outer(d[i], d[i]) for i in everyone])
    expected["depth"] = -np.mean(np.maximum(own, 0) * (agreement - 0.04))

    tensors = {name: torch.from_numpy(array) for name, array in batch.items()}
    features, codes = UnitVectors(tensors["f"], tensors["g"]), UnitVectors(tensors["s"], tensors["t"])
    targets = {name: feature_targets(name, features, ROLLS, centring) for name in ("self", "knn", "random")}
    places = tensors["d"][..., None]
    targets["depth"] = [KERNELS["product"](places, places, 0.1)]
    losses = term_losses(TERMS, codes, targets, ROLLS)
    assert {name: loss.item() for name, loss in losses.items()} == pytest.approx(expected)
    weights = {"self": 0.5, "knn": 0.3, "random": 0.7, "depth": 0.2}
    total = sum(weights[name] * expected[name] for name in expected)
    assert weighted_sum(TERMS, losses).item() == pytest.approx(total)


def test_a_sibling_is_the_partner_of_the_depth_term_where_given(batch):
    s, t = batch["s"], batch["t"]
    codes = UnitVectors(*map(torch.from_numpy, (s, t, t)))
    target = torch.zeros(4, 3, 3, dtype=torch.float64)
    found = term_losses({"depth": Term(weight=1, shift=-1.0)}, codes, {"depth": [target]}, ROLLS)["depth"]
    expected = np.mean([np.maximum(cosines(s[i], t[i]), 0) for i in range(4)])
    assert found.item() == pytest.approx(-expected)


def test_negatives_read_elsewhere_are_the_partners_of_the_random_term(batch):
    """Block j of crop b − roll is what anchor b is paired with."""
    s, rng = batch["s"], np.random.default_rng(2)
    blocks = rng.normal(size=(len(ROLLS), *s.shape))
    codes = UnitVectors(torch.from_numpy(np.concatenate([s, *blocks], axis=1)), torch.from_numpy(batch["t"]))
    targets = [torch.zeros(4, 3, 3, dtype=torch.float64)] * len(ROLLS)
    found = term_losses({"random": Term(weight=1, shift=-1.0)}, codes, {"random": targets}, ROLLS)["random"]
    pairs = [cosines(s[b], blocks[j][b - roll]) for j, roll in enumerate(ROLLS) for b in range(4)]
    assert found.item() == pytest.approx(-np.mean(np.maximum(pairs, 0)))


def test_targets_and_negatives_come_one_a_partner():
    codes = UnitVectors(torch.rand(3, 4, 2), torch.rand(3, 4, 2))
    target = torch.rand(3, 4, 4)
    with pytest.raises(ValueError, match="shorter"):
        term_losses({"random": Term(weight=1, shift=0)}, codes, {"random": [target]}, [1, 2])
    elsewhere = UnitVectors(torch.rand(3, 8, 2), torch.rand(3, 4, 2))
    with pytest.raises(ValueError, match="longer"):
        random_partners(elsewhere, [1, 2])
