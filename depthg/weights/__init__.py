"""Pretrained weights: a catalogue of files to download, and loading checkpoints without executing pickled code."""
