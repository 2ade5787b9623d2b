"""Depth from ZoeDepth, a network for metric depth (Bhat et al., 2023), loaded with transformers."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import ZoeDepthForDepthEstimation, ZoeDepthImageProcessor
from transformers.modeling_outputs import DepthEstimatorOutput

from depthg.stages.depth.hub import HubNetwork


class ZoeDepth(HubNetwork):
    """Depth in metres, averaged over the image and its mirror image, as in the original code."""

    title, nearer = "ZoeDepth", False
    default = "Intel/zoedepth-nyu"
    processor_class, model_class = ZoeDepthImageProcessor, ZoeDepthForDepthEstimation

    def predicted(self, pixels: Tensor) -> Tensor:
        """Depth float32 [B, h, w] of preprocessed `pixels` [B, 3, h, w]; a GPU is shown both images in one batch."""
        return mirrored_mean(self.model, pixels, together=pixels.device.type == "cuda")

    def postprocess(self, depth: Tensor, sizes: list[tuple[int, ...]]) -> list[dict[str, Any]]:
        """Depth [B, h, w] at the `sizes` (height, width) of the images, without the padding that was added."""
        answer = DepthEstimatorOutput(predicted_depth=depth)
        return self.processor.post_process_depth_estimation(answer, source_sizes=sizes)


def mirrored_mean(model: nn.Module, pixels: Tensor, together: bool) -> Tensor:
    """Mean depth float32 [B, h, w] of images [B, 3, h, w] and their mirror images, shown together or one by one."""
    both = [pixels, pixels.flip(-1)]
    batches = [torch.cat(both)] if together else both
    depth, mirrored = torch.cat([model(batch).predicted_depth for batch in batches]).float().chunk(2)
    return (depth + mirrored.flip(-1)) / 2
