"""How the demo's backbone was made, on sizes that take seconds, and the shipped weights."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from timm.models.vision_transformer import VisionTransformer

import depthg
from depthg.demo import distill

WEIGHTS = Path(depthg.__file__).parent / "weights" / "demo_vit8.safetensors"


@pytest.fixture
def views() -> tuple[np.ndarray, np.ndarray]:
    """Four pictures [4, 64, 80, 3] of random patches and as targets a mix of their colours [4, 8, 10, 16]."""
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (4, 8, 10, 3))
    mix = rng.standard_normal((3, 16))
    pictures = colours.repeat(8, axis=1).repeat(8, axis=2).astype(np.uint8)
    return pictures, ((colours / 127.5 - 1) @ mix).astype(np.float16)


def tiny_student() -> VisionTransformer:
    torch.manual_seed(0)
    return distill.build_student(width=16, depth=1, heads=1)


def train(views: tuple[np.ndarray, np.ndarray], checkpoint: Path, steps: int) -> dict[str, torch.Tensor]:
    student = tiny_student()
    distill.train(student, *views, checkpoint, steps, batch=4, learning_rate=1e-2, seed=0)
    return student.state_dict()


def test_pca_of_points_on_two_lines():
    # spread 3 along (1, 1, 0), 1 along (0, 0, 1), none across, all around (1, 2, 3)
    steps = torch.tensor([[3.0, 3, 0], [-3, -3, 0], [0, 0, 1], [0, 0, -1]])
    mean, basis = distill.fit_pca(steps + torch.tensor([1.0, 2, 3]), 2)
    assert mean.tolist() == pytest.approx([1, 2, 3])
    assert basis[:, 0].abs().tolist() == pytest.approx([2**-0.5, 2**-0.5, 0], abs=1e-6)
    assert basis[:, 1].abs().tolist() == pytest.approx([0, 0, 1], abs=1e-6)


def test_loss_is_zero_for_equal_and_two_for_opposite_directions():
    tokens = torch.randn(2, 3, 4, 8)
    assert distill.cosine_loss(tokens, 5 * tokens).item() == pytest.approx(0, abs=1e-6)
    assert distill.cosine_loss(tokens, -tokens).item() == pytest.approx(2, abs=1e-6)


def test_crop_and_flip_keep_a_picture_and_its_map_together():
    target = np.arange(6 * 7).reshape(6, 7, 1)
    picture = target.repeat(8, axis=0).repeat(8, axis=1)
    picture[:, ::8] = 99  # the left edge of each patch, so that a mirrored picture shows
    seen = set()
    for seed in range(20):
        view, part = distill.crop_flip(picture, target, (3, 4), np.random.default_rng(seed))
        assert view.shape == (24, 32, 1) and part.shape == (3, 4, 1)
        assert (view[4::8, 4::8] == part).all()
        mirrored = part[0, 0] > part[0, 1]
        assert (view[:, 7 if mirrored else 0] == 99).all()
        seen.add((bool(mirrored), int(part.min())))
    assert len(seen) > 8 and {mirrored for mirrored, _ in seen} == {False, True}


def test_jitter_changes_the_light_but_stays_in_range():
    pictures = torch.rand(8, 3, 16, 16)
    changed = distill.jitter(pictures, torch.Generator().manual_seed(0))
    assert changed.shape == pictures.shape
    assert changed.min() >= 0 and changed.max() <= 1
    assert ((changed - pictures).abs().mean(dim=(1, 2, 3)) > 0.01).all()


def test_learning_rate_rises_and_falls():
    shares = [distill.pace(step, 100) for step in range(100)]
    assert shares[0] == pytest.approx(0.2) and shares[5] == 1
    assert shares[5:] == sorted(shares[5:], reverse=True) and 0 < shares[-1] < 0.001


def test_teacher_maps_are_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(distill, "WIDTH", 3)
    monkeypatch.setattr(distill, "render", lambda seed: SimpleNamespace(image=noise_picture(seed)))
    mix = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    seen = []

    def teacher(pictures: torch.Tensor) -> torch.Tensor:
        seen.append(pictures)
        return pictures[:, ::8, ::8].float() @ mix

    pictures, maps = distill.teacher_set(teacher, tmp_path, 4)
    assert pictures.shape == (4, 16, 24, 3) and pictures.dtype == np.uint8
    assert maps.shape == (4, 2, 3, 3) and maps.dtype == np.float16
    assert (pictures[3] == noise_picture(distill.PRETRAIN_SEED + 3)).all()
    # unit vectors of rank three: the PCA turns them about their mean and keeps their distances
    units = torch.nn.functional.normalize(torch.from_numpy(pictures[:, ::8, ::8]).float() @ mix, dim=-1)
    distances = torch.cdist(units.reshape(-1, 5), units.reshape(-1, 5))
    kept = torch.from_numpy(maps).float().reshape(-1, 3)
    assert torch.allclose(torch.cdist(kept, kept), distances, atol=0.01)

    (tmp_path / f"{distill.PRETRAIN_SEED + 2}.npz").unlink()
    seen.clear()
    again = distill.teacher_set(teacher, tmp_path, 4)
    assert len(seen) == 1 and (again[1] == maps).all()


def noise_picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (16, 24, 3), dtype=np.uint8)


def test_a_few_steps_bring_the_tokens_closer(views, tmp_path):
    student = tiny_student()
    pictures = torch.from_numpy(views[0]).permute(0, 3, 1, 2) / 255
    maps = torch.from_numpy(views[1]).float()
    before = distill.cosine_loss(distill.tokens(student, pictures), maps)
    distill.train(student, *views, tmp_path / "student.pt", steps=3, batch=4, learning_rate=1e-2, seed=0)
    assert distill.cosine_loss(distill.tokens(student, pictures), maps) < before - 0.01


def test_an_interrupted_run_ends_in_the_same_weights(views, tmp_path, monkeypatch):
    monkeypatch.setattr(distill, "CHECKPOINT_EVERY", 2)
    whole = train(views, tmp_path / "whole.pt", steps=5)

    def interrupted(pictures, maps, batch, step, seed):
        if step == 3:
            raise KeyboardInterrupt
        return draw_batch(pictures, maps, batch, step, seed)

    draw_batch = distill.draw_batch
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(distill, "draw_batch", interrupted)
        train(views, tmp_path / "parts.pt", steps=5)
    parts = train(views, tmp_path / "parts.pt", steps=5)
    assert all(torch.equal(parts[name], whole[name]) for name in whole)


def test_shipped_weights_fit_and_give_finite_tokens():
    student = distill.build_student().eval()
    student.load_state_dict(load_file(WEIGHTS), strict=True)
    with torch.inference_mode():
        tokens = distill.tokens(student, torch.rand(1, 3, 64, 96))
    assert tokens.shape == (1, 8, 12, distill.WIDTH)
    assert tokens.isfinite().all() and tokens.std() > 0.1
