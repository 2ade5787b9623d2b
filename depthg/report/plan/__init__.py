"""The plan of an experiment before anything is run: counts, stores, work, and an estimate of time."""
