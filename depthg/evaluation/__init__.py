"""Probes on frozen codes, scores of a segmentation, refinement by a dense CRF, results over seeds."""
