"""How the demo's backbone was made: a small ViT distilled from ResNet-50 on rendered images, without labels.

The teacher's features, one per patch of 8 × 8 px, are computed once per image, reduced by PCA to the width of the ViT,
and cached; the tokens of the ViT are then fitted to them.
"""

import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional

from depthg.config.sections import Backbone
from depthg.demo import PRETRAIN_SEED, render
from depthg.models.backbones import MEAN, STD, DenseBackbone
from depthg.runtime.files import replacing
from depthg.runtime.progress import track

PATCH = 8
WIDTH = 192
PCA_RENDERS = 32  # the features of the first renders span the PCA
CHECKPOINT_EVERY = 50  # steps: an interruption costs some two minutes of work


def distill(
    out: Path,
    teacher: Path,
    cache: Path,
    images: int = 400,
    steps: int = 400,
    batch: int = 8,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> None:
    """Train the student and write its weights in float16; the defaults made the weights in the package.

    Args:
        out: safetensors file to write.
        teacher: weights of timm's resnet50.
        cache: folder from which a repeated call with the same arguments resumes.
        images: number of images to render.
        steps, batch, learning_rate, seed: of the training; `batch` in crops.

    Raises:
        DepthGError: the weights are missing or not those of resnet50.
    """
    cache.mkdir(parents=True, exist_ok=True)
    pictures, maps = teacher_set(build_teacher(teacher), cache, images)
    torch.manual_seed(seed)
    student = build_student()
    train(student, pictures, maps, cache / "student.pt", steps, batch, learning_rate, seed)
    how = f"ImageNet ResNet-50 features of {images} renders, {steps} steps of {batch} crops, seed {seed}"
    weights = {name: value.half().contiguous() for name, value in student.state_dict().items()}
    save_file(weights, out, {"made_by": "depthg distill", "how": how, "licence": "MIT"})


def build_teacher(weights: Path) -> DenseBackbone:
    """ResNet-50, dilated so that it has a feature for every patch of the student."""
    spec = Backbone(model="resnet50", args={"output_stride": PATCH}, weights=str(weights))
    return DenseBackbone(spec, "teacher")


def build_student(width: int = WIDTH, depth: int = 6, heads: int = 3) -> VisionTransformer:
    """A ViT with random weights and sine position embeddings, which make neighbours alike from the start."""
    student = VisionTransformer(
        patch_size=PATCH, embed_dim=width, depth=depth, num_heads=heads, num_classes=0, dynamic_img_size=True
    )
    positions = sine_positions(student.patch_embed.grid_size[0], width)
    with_class_token = functional.pad(positions, (0, 0, 1, 0))
    student.pos_embed = nn.Parameter(with_class_token[None])
    return student


def sine_positions(side: int, width: int) -> Tensor:
    """Position embeddings [side · side, width] in -0.2 … 0.2: sines and cosines of row and column, coarse to fine."""
    waves = math.pi / side * torch.logspace(0, math.log10(side / 2), width // 4)
    angles = torch.arange(side)[:, None] * waves
    axis = torch.cat([angles.sin(), angles.cos()], dim=1)
    rows = axis[:, None].expand(side, side, -1)
    return 0.2 * torch.cat([rows, rows.transpose(0, 1)], dim=2).flatten(0, 1)


def teacher_set(teacher: DenseBackbone, cache: Path, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures uint8 [n, 8h, 8w, 3] and targets float16 [n, h, w, WIDTH] of n = `images` renders, cached."""
    mean, basis = teacher_pca(teacher, cache / "pca.pt", min(images, PCA_RENDERS))
    pictures, maps = [], []
    for seed in track(range(PRETRAIN_SEED, PRETRAIN_SEED + images), images, "teacher"):
        file = cache / f"{seed}.npz"
        if not file.exists():
            picture = render(seed).image
            target = (teacher_features(teacher, picture) - mean) @ basis
            with replacing(file) as draft, draft.open("wb") as stream:
                np.savez(stream, picture=picture, target=target.half().numpy())
        with np.load(file) as pair:
            pictures.append(pair["picture"])
            maps.append(pair["target"])
    return np.stack(pictures), np.stack(maps)


def teacher_pca(teacher: DenseBackbone, file: Path, images: int) -> tuple[Tensor, Tensor]:
    """Mean and basis, as of `fit_pca`, of the features of the first `images` renders, cached in `file`."""
    if not file.exists():
        seeds = track(range(PRETRAIN_SEED, PRETRAIN_SEED + images), images, "PCA")
        features = torch.cat([teacher_features(teacher, render(seed).image).flatten(0, 1) for seed in seeds])
        with replacing(file) as draft:
            torch.save(fit_pca(features, WIDTH), draft)
    return torch.load(file, weights_only=True)


@torch.inference_mode()
def teacher_features(teacher: DenseBackbone, picture: np.ndarray) -> Tensor:
    """Features [h, w, 2048], each of length one, of a picture uint8 [8h, 8w, 3]."""
    return functional.normalize(teacher(torch.from_numpy(picture)[None])[0], dim=-1)


def fit_pca(features: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Mean [C] and basis [C, width] of the leading directions of `features` [n, C], strongest first."""
    mean = features.mean(dim=0)
    centred = features - mean
    directions = torch.linalg.eigh(centred.T @ centred).eigenvectors  # weakest first
    return mean, directions[:, -width:].flip(1)


def train(
    student: VisionTransformer,
    pictures: np.ndarray,
    maps: np.ndarray,
    checkpoint: Path,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
) -> None:
    """Fit the student's tokens to the targets `maps`, in place; resumes from `checkpoint` if it exists."""
    # torch's own, in place of depthg.models.adam: its rate may change, and its import is nothing beside this work
    optimiser = torch.optim.AdamW(student.parameters(), lr=learning_rate, weight_decay=0.05)
    first = 0
    if checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=True)
        student.load_state_dict(kept["student"])
        optimiser.load_state_dict(kept["optimiser"])
        first = kept["steps"]
    for step in track(range(first, steps), steps, "distil", done=first):
        optimiser.param_groups[0]["lr"] = learning_rate * pace(step, steps)
        views, targets = draw_batch(pictures, maps, batch, step, seed)
        loss = cosine_loss(tokens(student, views), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == steps:
            state = {"student": student.state_dict(), "optimiser": optimiser.state_dict(), "steps": step + 1}
            with replacing(checkpoint) as draft:
                torch.save(state, draft)


def pace(step: int, steps: int) -> float:
    """Learning rate at `step`, relative to its maximum: linear warm-up over a twentieth of the steps, then cosine."""
    warm_up = max(1, steps // 20)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (step - warm_up) / (steps - warm_up))


def tokens(student: VisionTransformer, pictures: Tensor) -> Tensor:
    """Patch tokens [n, h, w, width] after the final norm, of pictures [n, 3, 8h, 8w] in 0..1."""
    grid = pictures.shape[2] // PATCH, pictures.shape[3] // PATCH
    pixels = (pictures - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    return student.forward_features(pixels)[:, 1:].unflatten(1, grid)


def cosine_loss(predictions: Tensor, targets: Tensor) -> Tensor:
    """One minus the mean cosine similarity of vectors [..., C]: 0 for equal directions, 2 for opposite ones."""
    return 1 - functional.cosine_similarity(predictions, targets, dim=-1).mean()


def draw_batch(
    pictures: np.ndarray, maps: np.ndarray, batch: int, step: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Random crops [batch, 3, 8h, 8w] in 0..1, colours jittered, and their targets [batch, h, w, width].

    Size (per step) and place (per crop) are random, so that positions carry no information about the content.
    """
    rng = np.random.default_rng([seed, step])
    rows, columns = (int(rng.integers(have // 2, int(0.8 * have) + 1)) for have in maps.shape[1:3])
    picks = rng.integers(len(pictures), size=batch)
    crops = [crop_flip(pictures[i], maps[i], (rows, columns), rng) for i in picks]
    views = torch.from_numpy(np.stack([view for view, _ in crops])).permute(0, 3, 1, 2).float() / 255
    targets = torch.from_numpy(np.stack([target for _, target in crops])).float()
    return jitter(views, torch.Generator().manual_seed(int(rng.integers(2**31)))), targets


def crop_flip(
    picture: np.ndarray, target: np.ndarray, grid: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A window of `grid` patches of a picture [8h, 8w, c] and its map [h, w, C], mirrored half the time."""
    top = rng.integers(target.shape[0] - grid[0] + 1)
    left = rng.integers(target.shape[1] - grid[1] + 1)
    mirror = int(rng.choice((-1, 1)))
    window = slice(top, top + grid[0]), slice(left, left + grid[1])
    pixels = slice(PATCH * top, PATCH * (top + grid[0])), slice(PATCH * left, PATCH * (left + grid[1]))
    return picture[pixels][:, ::mirror], target[window][:, ::mirror]


def jitter(views: Tensor, draw: torch.Generator) -> Tensor:
    """Views [n, 3, H, W] in 0..1 with random blur, brightness, white balance, contrast and saturation."""

    def uniform(low: float, high: float, channels: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(len(views), channels, 1, 1, generator=draw)

    soft = functional.avg_pool2d(functional.pad(views, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    views = torch.where(uniform(0, 1) < 0.2, soft, views)
    views = views * uniform(0.7, 1.3) * uniform(0.9, 1.1, channels=3)
    middle = views.mean(dim=(1, 2, 3), keepdim=True)
    views = middle + uniform(0.7, 1.3) * (views - middle)
    grey = views.mean(dim=1, keepdim=True)
    saturation = uniform(0.4, 1.4) * (uniform(0, 1) > 0.1)  # one view in ten is grey
    return (grey + saturation * (views - grey)).clamp(0, 1)
