"""The loss: correlations of features and of depth that the codes learn to follow, one concept a file."""
