"""The frozen backbone, and what is trained on its features: segmentation head, projection, codebook."""
