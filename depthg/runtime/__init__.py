"""What every stage runs on: device, progress, files, downloads, provenance; nothing here knows the method."""
