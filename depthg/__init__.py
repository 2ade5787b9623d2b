"""DepthG: unsupervised semantic segmentation guided by monocular depth, as a cached pipeline."""

__version__ = "0.1.0"
