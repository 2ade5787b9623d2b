"""Depth from MiDaS 3.0, also called DPT (Ranftl et al., 2021), loaded with transformers."""

from transformers import DPTForDepthEstimation, DPTImageProcessor

from depthg.stages.depth.hub import HubNetwork


class Midas(HubNetwork):
    """Inverse depth up to scale and shift, larger = nearer; DPT-Large by default, DPT-Hybrid by setting `model`."""

    title, nearer = "MiDaS", True
    default = "Intel/dpt-large"
    processor_class, model_class = DPTImageProcessor, DPTForDepthEstimation
