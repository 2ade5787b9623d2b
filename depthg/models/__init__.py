"""The networks: the frozen backbone, and the segmentation head, projection and codebook trained on its features."""
