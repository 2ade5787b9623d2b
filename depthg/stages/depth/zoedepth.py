"""Depth from ZoeDepth, a network for metric depth (Bhat et al., 2023), loaded with transformers."""

from typing import Any

import torch
from transformers import ZoeDepthForDepthEstimation, ZoeDepthImageProcessor

from depthg.stages.depth.hub import HubNetwork


class ZoeDepth(HubNetwork):
    """Depth in metres, averaged over the image and its mirror image, as in the original code."""

    title, nearer = "ZoeDepth", False
    default = "Intel/zoedepth-nyu"
    processor_class, model_class = ZoeDepthImageProcessor, ZoeDepthForDepthEstimation

    def postprocess(self, pixels: torch.Tensor, sizes: list[tuple[int, ...]]) -> list[dict[str, Any]]:
        """Depth at the `sizes` (height, width) of the images, without the padding that the processor added."""
        return self.processor.post_process_depth_estimation(
            self.model(pixels), source_sizes=sizes, outputs_flipped=self.model(pixels.flip(-1))
        )
