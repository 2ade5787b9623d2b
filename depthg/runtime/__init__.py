"""Utilities shared by all stages: device, progress, files, downloads, provenance; independent of the method."""
