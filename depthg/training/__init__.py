"""Training of the segmentation head on cached tokens: the loop, and what it reads."""
