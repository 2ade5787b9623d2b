"""The figures: predictions of an experiment, those of the paper, and what each term of the loss does."""
