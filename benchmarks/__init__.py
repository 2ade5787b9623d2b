"""Speed of each stage, compared with a straightforward implementation: `python -m benchmarks`."""
