"""Depth from Depth Anything V2 (Yang et al., 2024), loaded with transformers."""

from transformers import DepthAnythingForDepthEstimation, DPTImageProcessor

from depthg.stages.depth.hub import HubNetwork


class DepthAnything(HubNetwork):
    """Inverse depth up to scale and shift, larger = nearer."""

    title, nearer = "Depth Anything", True
    default = "depth-anything/Depth-Anything-V2-Small-hf"
    processor_class, model_class = DPTImageProcessor, DepthAnythingForDepthEstimation
