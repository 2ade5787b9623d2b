"""A miniature of the real thing: a folder of labelled images, a tiny backbone, and Snakemake as a user calls it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file

ROOT = Path(__file__).parents[2]
VIT = {"patch_size": 8, "embed_dim": 24, "depth": 1, "num_heads": 2, "dynamic_img_size": True}
SETTINGS = {
    "backbone": "tiny",
    "depth": "sensor",
    "geometry": "small",
    "size": 64,
    "eval_size": 64,
    "keep": 4,
    "neighbors": 3,
    "steps": 6,
    "batch": 4,
    "samples": 5,
    "code_dim": 8,
    "cluster_samples": 400,
    "linear_steps": 5,
    "pictures": 2,
}
# What must be in no file: in the environment, as users have it there.
SECRETS = {
    "HF_TOKEN": "hf_plantedPlantedPlantedPlanted",
    "AWS_ACCESS_KEY_ID": "AKIAPLANTEDPLANTED",
    "AWS_SECRET_ACCESS_KEY": "plantedSecretOfTheStore",
    "HF_ENDPOINT": "https://somebody:plantedPassword@mirror.invalid",
}
SMALL = {"stego_hp": {"hidden_positives": {"pool": 512}}}  # of 1,920 tokens


class Project:
    """A working directory with its own configuration, on which Snakemake is run."""

    def __init__(self, folder: Path):
        self.folder, self.printed = folder, ""
        self.env: dict[str, str] = {}
        self.config = {
            "datasets": {"mini": {"root": "photos", "settings": SETTINGS, "experiments": SMALL}},
            "backbones": {
                "tiny": {"model": "vit_tiny_patch16_224", "args": VIT, "weights": "tiny.safetensors"}
            },
            "geometries": {"small": {"order_length": 64}},  # 8 × 8 tokens
            "depth_sources": {"sensor": {"source": "files", "name": "sensor", "larger": "farther"}},
        }

    def snakemake(self, target: str, *options: str) -> subprocess.CompletedProcess:
        """Run the workflow here."""
        return subprocess.run(**self.call(target, *options), capture_output=True, text=True)

    def call(self, target: str, *options: str) -> dict[str, Any]:
        """How to start the workflow: the interpreter's own scripts come first, as in an activated shell."""
        (self.folder / "mini.yaml").write_text(yaml.safe_dump(self.config))
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2"]
        return {
            "args": [
                *command,
                *options,
                "--configfile",
                str(ROOT / "config.yaml"),
                "mini.yaml",
                "--",
                target,
            ],
            "cwd": self.folder,
            "env": os.environ | {"PATH": path} | self.env,
        }

    def forget(self) -> None:
        """Remove all that was made here."""
        for folder in ("resources", "results", "logs", ".snakemake"):
            shutil.rmtree(self.folder / folder, ignore_errors=True)

    def planned(self, target: str, *config: str) -> set[str]:
        """The rules that a dry run would execute, with changes to the configuration."""
        done = self.snakemake(target, "--dry-run", *(["--config", *config] if config else []))
        assert done.returncode == 0, done.stdout + done.stderr
        table = (done.stdout + done.stderr).partition("\njob ")[2].partition("\ntotal ")[0]
        return {line.split()[0] for line in table.splitlines()[2:]}


def make_photos(root: Path, train: int, val: int) -> None:
    """Bright discs on dark ground, with labels and depth."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:72, :96]
    for split, count in (("train", train), ("val", val)):
        for kind in ("images", "labels", "depth/sensor"):
            (root / kind / split).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            disc = (rows - rng.integers(20, 52)) ** 2 + (columns - rng.integers(20, 76)) ** 2 < 300
            image = rng.integers(0, 60, (72, 96, 3)) + np.where(disc, 180, 20)[..., None]
            depth = np.where(disc, 2000, 5000 + 30 * rows).astype(np.uint16)
            Image.fromarray(image.astype(np.uint8)).save(root / "images" / split / f"{number}.png")
            Image.fromarray(disc.astype(np.uint8)).save(root / "labels" / split / f"{number}.png")
            Image.fromarray(depth).save(root / "depth/sensor" / split / f"{number}.png")
    (root / "classes.txt").write_text("ground\ndisc\n")


def make_project(folder: Path) -> Project:
    """A project in a folder that is there, with nine photos and the tiny backbone."""
    make_photos(folder / "photos", train=6, val=3)
    torch.manual_seed(0)
    net = timm.create_model("vit_tiny_patch16_224", num_classes=0, **VIT)
    save_file(net.state_dict(), folder / "tiny.safetensors")
    return Project(folder)


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Project:
    """A fresh project in which nothing has been run."""
    return make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def long(tmp_path, project) -> Project:
    """A set of more crops than a chunk of the smallest rows has."""
    make_photos(tmp_path / "photos", train=600, val=3)
    shutil.copy(project.folder / "tiny.safetensors", tmp_path)
    own = Project(tmp_path)
    own.config["datasets"]["mini"]["settings"] = SETTINGS | {"five_crop": False, "size": 96}
    return own


def watched(notes: Path) -> dict[str, str]:
    """The environment in which Python processes, and those that they start, write to the file `notes`."""
    return {"PYTHONPATH": str(Path(__file__).parent / "watched"), "WATCHED": str(notes)}


@pytest.fixture(scope="session")
def finished(project) -> Project:
    """The project after `snakemake results/mini/ours_3dlhp/metrics.json`, two seeds.

    Its Python processes note the addresses they turn to (`addresses`), and have secrets in their environment.
    """
    project.config["settings"] = {"seeds": [0, 1]}
    project.env = SECRETS | watched(project.folder / "addresses")
    done = project.snakemake("results/mini/ours_3dlhp/metrics.json")
    project.printed = done.stdout + done.stderr
    assert done.returncode == 0, project.printed
    return project
