"""What needs a card: `python -m benchmarks --card`. Without one, everything runs at tiny sizes, to be tried."""
