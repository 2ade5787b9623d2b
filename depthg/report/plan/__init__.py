"""What an experiment will take, told before anything is run: counts, stores, work, and an estimate of time."""
