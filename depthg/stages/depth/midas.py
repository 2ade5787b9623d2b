"""Depth from MiDaS 3.0, also called DPT (Ranftl et al., 2021), by way of transformers."""

from transformers import DPTForDepthEstimation, DPTImageProcessor

from depthg.stages.depth.hub import HubNetwork


class Midas(HubNetwork):
    """Inverse depth up to scale and shift, larger = nearer; DPT-Large, or DPT-Hybrid as `model`."""

    title, nearer = "MiDaS", True
    default = "Intel/dpt-large"
    processor_class, model_class = DPTImageProcessor, DPTForDepthEstimation
