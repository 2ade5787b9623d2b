"""Acceptance test of the demo's backbone: does k-means on its tokens find the classes of the demo world?

    python benchmarks/demo_backbone.py [--teacher resnet50_imagenet.safetensors]

Prints a Markdown table: mIoU and IoUs of the classes, of k-means on unit features of validation renders.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from timm.models.vision_transformer import VisionTransformer

import depthg
from depthg.demo import CLASSES, VAL_SEED, View, render
from depthg.demo.distill import PATCH, build_student, build_teacher, teacher_features, tokens

WEIGHTS = Path(depthg.__file__).parent / "weights" / "demo_vit8.safetensors"
SEEDS = (0, 1, 2)

Features = Callable[[np.ndarray], np.ndarray]
"""From a picture uint8 [8h, 8w, 3] to features float32 [h, w, C]."""


def colour_patches(picture: np.ndarray) -> np.ndarray:
    """Mean colour and position of each patch, all in [−1, 1]: float32 [h, w, 5]."""
    height, width = picture.shape[0] // PATCH, picture.shape[1] // PATCH
    colours = picture.reshape(height, PATCH, width, PATCH, 3).mean(axis=(1, 3)) / 127.5 - 1
    places = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return np.dstack([colours, *places]).astype(np.float32)


def shipped_vit() -> Features:
    """Tokens of the backbone whose weights come with the package."""
    student = build_student()
    student.load_state_dict(load_file(WEIGHTS))
    return vit_tokens(student)


def random_twin() -> Features:
    """Tokens of the same ViT with random weights."""
    torch.manual_seed(0)
    return vit_tokens(build_student())


def vit_tokens(student: VisionTransformer) -> Features:
    """Tokens of a ViT."""
    student.eval()

    @torch.inference_mode()
    def features(picture: np.ndarray) -> np.ndarray:
        pixels = torch.from_numpy(picture).permute(2, 0, 1).float() / 255
        return tokens(student, pixels[None])[0].numpy()

    return features


def resnet(weights: Path) -> Features:
    """Features of the teacher."""
    teacher = build_teacher(weights)
    return lambda picture: teacher_features(teacher, picture).numpy()


def cluster(maps: np.ndarray, seed: int) -> np.ndarray:
    """k-means on unit features [n, h, w, C] with one cluster per class: cluster ids [n, h, w]."""
    rows = maps.reshape(-1, maps.shape[-1])
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return KMeans(len(CLASSES), n_init=3, random_state=seed).fit_predict(rows).reshape(maps.shape[:3])


def class_ious(clusters: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """IoU of each class over all pixels, with clusters matched to classes to maximise common pixels.

    `clusters` are ids of patches [n, h, w]; `labels` are classes of pixels [n, 8h, 8w].
    """
    guesses = clusters.repeat(PATCH, axis=1).repeat(PATCH, axis=2)
    count = len(CLASSES)
    pairs = np.bincount((labels.astype(np.int64) * count + guesses).ravel(), minlength=count**2)
    table = pairs.reshape(count, count)
    classes, chosen = linear_sum_assignment(table, maximize=True)
    hits = table[classes, chosen]
    return hits / (table.sum(axis=1) + table.sum(axis=0)[chosen] - hits)


def table_row(name: str, features: Features, views: list[View]) -> str:
    """One Markdown row: mIoU with its deviation over the k-means seeds, then the mean IoU of each class."""
    maps = np.stack([features(view.image) for view in views])
    labels = np.stack([view.label for view in views])
    ious = np.array([class_ious(cluster(maps, seed), labels) for seed in SEEDS])
    scores = ious.mean(axis=1)
    cells = [name, f"{scores.mean():.3f} ± {scores.std():.3f}", *(f"{iou:.2f}" for iou in ious.mean(axis=0))]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--teacher", type=Path, help="timm resnet50 weights: adds the teacher's own row")
    parser.add_argument("--renders", type=int, default=50, help="views to cluster (default 50)")
    arguments = parser.parse_args()
    views = [render(VAL_SEED + i) for i in range(arguments.renders)]
    rows = {"shipped ViT": shipped_vit(), "random twin": random_twin(), "colour patches": colour_patches}
    if arguments.teacher:
        rows["teacher (ResNet-50)"] = resnet(arguments.teacher)
    print(f"| features | mIoU | {' | '.join(CLASSES)} |")
    print("|---" * (2 + len(CLASSES)) + "|")
    for name, features in rows.items():
        print(table_row(name, features, views), flush=True)


if __name__ == "__main__":
    main()
