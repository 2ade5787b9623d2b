"""Training of the segmentation head on cached backbone tokens: inputs, batches, objectives, and the loop."""
