"""What all stages use: device, threads, progress, files, downloads, provenance; independent of the method."""
