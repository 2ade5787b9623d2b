"""How fast each stage is, held against a straightforward way to do the same: `python -m benchmarks`."""
