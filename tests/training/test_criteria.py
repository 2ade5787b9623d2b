import numpy as np
import pytest
import torch

from depthg.errors import DepthGError
from depthg.models.checkpoint import Model
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer
from depthg.training.criteria import LabelCriterion, LabelledSplit, LossCriterion, evenly
from depthg.training.objective import Correlation

CPU = torch.device("cpu")


def test_the_loss_criterion_is_the_mean_loss_of_fixed_batches(stores, guided_settings):
    torch.manual_seed(0)
    model, inputs = Model(guided_settings, 8).eval(), stores.open(guided_settings)
    objective = Correlation(model)
    criterion = LossCriterion(inputs, guided_settings, objective, seed=0)
    found = criterion(model)
    with torch.no_grad():
        losses = [objective(criterion.batches(i).to(CPU), 0)["total"].item() for i in range(8)]
    assert found == pytest.approx(-np.mean(losses)) and found == criterion(model)


def labelled(root, tokens, labels, classes):
    """A validation set: tokens [M, h, w, C], labels [M, S, S]."""
    count = len(tokens)
    crops = Writer(root / "crops.zarr", count, {"labels": Array(labels.shape[1:], "uint16")}, {})
    crops.write(range(count), labels=labels)
    crops.finish()
    provenance = {"crops": Store(crops.path).fingerprint}
    features = Writer(root / "val.zarr", count, {"tokens": Array(tokens.shape[1:], "float16")}, provenance)
    features.write(range(count), tokens=tokens)
    features.finish()
    rows = [f"{i},{name},{10 * i},0,0" for i, name in enumerate(classes)]
    (root / "classes.csv").write_text("\n".join(["id,name,red,green,blue", *rows]) + "\n")
    return LabelledSplit(features.path, crops.path, root / "classes.csv")


def test_the_label_criterion_is_the_miou_of_clustered_codes(tmp_path, settings):
    rng = np.random.default_rng(0)
    kind = rng.integers(2, size=(6, 4, 4))
    tokens = np.eye(8)[kind] + 0.01 * rng.normal(size=(6, 4, 4, 8))
    labels = np.kron(kind, np.ones((3, 3), int))
    labels[0, :3] = 255
    model = Model(settings.model_copy(update={"head": "identity"}), 8)
    found = LabelCriterion(seed=0, labelled=labelled(tmp_path, tokens, labels, ["a", "b"]))
    assert found(model) == 100
    labels[:] = rng.permutation(labels.ravel()).reshape(labels.shape)
    (tmp_path / "other").mkdir()
    found = LabelCriterion(seed=0, labelled=labelled(tmp_path / "other", tokens, labels, ["a", "b"]))
    assert found(model) < 60


def test_selection_by_labels_needs_labels():
    with pytest.raises(DepthGError, match="labels needs labelled validation images: set it to last"):
        LabelCriterion(seed=0, labelled=None)


def test_looks_are_spread_evenly():
    assert list(evenly(7)) == [0, 1, 2, 3, 4, 5, 6] and list(evenly(25)) == [*range(1, 25, 2), 24]
