"""Depth from ZoeDepth, a network for metric depth (Bhat et al., 2023), by way of transformers."""

from typing import Any

import torch
from transformers import ZoeDepthForDepthEstimation, ZoeDepthImageProcessor

from depthg.stages.depth.hub import HubNetwork


class ZoeDepth(HubNetwork):
    """Metres, averaged over the image and its mirror image, as the original does."""

    title, nearer = "ZoeDepth", False
    default = "Intel/zoedepth-nyu"
    processor_class, model_class = ZoeDepthImageProcessor, ZoeDepthForDepthEstimation

    def answers(self, pixels: torch.Tensor, sizes: list[tuple[int, ...]]) -> list[dict[str, Any]]:
        """The depth at the `sizes` of the images, without the border that the processor had put around them."""
        return self.processor.post_process_depth_estimation(
            self.model(pixels), source_sizes=sizes, outputs_flipped=self.model(pixels.flip(-1))
        )
