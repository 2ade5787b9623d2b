"""Tables of results: scores of the experiments on a data set, and the paper's tables with our scores."""
