"""Depth from Kick Back & Relax (Spencer et al., 2023), a network trained on videos only.

Reads the authors' checkpoint kbr.ckpt into a reimplementation of their network (`kbr_network`). It was tested only on
a small checkpoint of the same layout: names and order of the weights come from the authors' public code, because the
published file was not available.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from depthg.errors import DepthGError
from depthg.models.backbones import MEAN, STD
from depthg.runtime.device import send
from depthg.stages.depth.kbr_network import KBRNetwork, rename_published_keys
from depthg.stages.depth.network import Network
from depthg.weights.catalogue import check_pin
from depthg.weights.checkpoints import load_weights
from depthg.weights.lightning import read_lightning

DEFAULT = "resources/weights/kbr.ckpt"
PREFIX = "nets.depth."  # the checkpoint also holds the pose network
WIDTH, HEIGHT = 640, 384  # input width of landscape images, input height of portrait images, as published
MULTIPLE = 32  # largest stride of the network


class KBR(Network):
    """Disparity, larger = nearer.

    Raises:
        DepthGError: the checkpoint is missing, corrupt, differs from the pinned hash, or does not fit the network.
    """

    title, nearer = "KBR", True

    def open(self, name: str | None) -> nn.Module:
        """Load the network with the weights of the checkpoint at path `name`, or at `DEFAULT`."""
        path = Path(name or DEFAULT)
        if not path.is_file():
            raise DepthGError(
                f"{path}: KBR's checkpoint is not there: run `depthg weights fetch kbr.ckpt` where there is a "
                "network and put the file there, or name it in depth_sources: <name>: model"
            )
        check_pin(path)
        network = KBRNetwork()
        load_weights(network, rename_published_keys(read_lightning(path, PREFIX)), path)
        return network

    @torch.inference_mode()
    def raw(self, images: np.ndarray) -> Tensor:
        """Disparity float32 [B, H, W] of images uint8 [B, H, W, 3]."""
        height, width = images.shape[1:3]
        pixels = send(torch.from_numpy(images), self.device).permute(0, 3, 1, 2).float().div(255)
        shown = interpolate(pixels, size=shown_size(height, width), mode="bilinear")
        mean, std = (torch.tensor(of, device=self.device).view(1, 3, 1, 1) for of in (MEAN, STD))
        disparity = self.model((shown - mean) / std).float()
        return interpolate(disparity, size=(height, width), mode="bilinear")[:, 0]


def shown_size(height: int, width: int) -> tuple[int, int]:
    """Input size of the network for an image, as in the authors' code: (height, width), multiples of 32."""
    size = (WIDTH * height / width, WIDTH) if width >= height else (HEIGHT, HEIGHT * width / height)
    return tuple(max(2, round(int(side) / MULTIPLE)) * MULTIPLE for side in size)  # type: ignore[return-value]
