"""A trained model outside the workflow: its folder, the Segmenter, and what `depthg segment` writes."""
