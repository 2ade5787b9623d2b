import numpy as np
import pytest
import torch

from depthg.config.settings import ClusterSettings
from depthg.errors import DepthGError
from depthg.evaluation.linear import Linear
from depthg.evaluation.probes import Probes, fit_probes, load_probes

QUICK = ClusterSettings(cluster_samples=300, cluster_restarts=2, linear_steps=5, linear_batch=4)


def run(planted, name: str = "probes.safetensors", seed: int = 0, **changes) -> Probes:
    out = planted.root / name
    settings = QUICK.model_copy(update=changes)
    paths = planted.features("train"), planted.crops("train"), planted.classes, planted.model
    fit_probes(*paths, out, settings, seed)
    return load_probes(out)


def test_as_many_clusters_as_classes_and_both_probes(planted):
    probes = run(planted)
    assert probes.centroids.shape == (planted.n_classes, planted.channels)
    assert np.allclose(probes.centroids.norm(dim=1), 1, atol=1e-6)
    assert probes.linear.weight.shape == (planted.n_classes, planted.channels)
    assert sorted(probes.centroids.argmax(dim=1).tolist()) == [0, 1, 2]  # the planted directions


def test_number_of_clusters_can_be_set(planted):
    assert len(run(planted, clusters=5).centroids) == 5


def test_same_seed_same_file(planted):
    run(planted, "a"), run(planted, "b"), run(planted, "c", seed=1)
    a, b, c = ((planted.root / name).read_bytes() for name in "abc")
    assert a == b != c


def test_without_labels_there_is_no_linear_probe(planted):
    planted.forget_labels()
    probes = run(planted, clusters=4)
    assert probes.linear is None
    assert len(probes.centroids) == 4


def test_without_labels_the_number_of_clusters_must_be_set(planted):
    planted.forget_labels()
    with pytest.raises(DepthGError, match="set `clusters`"):
        run(planted)


def test_no_linear_steps_no_linear_probe(planted):
    assert run(planted, linear_steps=0).linear is None


def test_logits_are_twice_the_cosine_and_affine():
    codes = torch.tensor([[[3.0, 4.0], [0.0, 2.0]]])
    probes = Probes(
        torch.tensor([[1.0, 0.0], [0.0, 1.0]]), Linear(torch.tensor([[1.0, -1.0]]), torch.tensor([5.0]))
    )
    logits = probes.logits(codes)
    assert torch.allclose(logits["unsupervised"], torch.tensor([[[1.2, 1.6], [0.0, 2.0]]]))
    assert torch.allclose(logits["linear"], torch.tensor([[[4.0], [3.0]]]))


def test_probes_for_other_codes_are_refused():
    with pytest.raises(DepthGError, match="2 channels and the head makes 3"):
        Probes(torch.eye(2), None).logits(torch.zeros(1, 4, 3))


@pytest.mark.parametrize("content", [None, b"no safetensors"])
def test_a_file_without_probes_is_named(tmp_path, content):
    path = tmp_path / "probes.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DepthGError, match=r"probes\.safetensors: missing or not"):
        load_probes(path)
