"""The tables: the scores of a data set, and those of the paper with ours beside them."""
