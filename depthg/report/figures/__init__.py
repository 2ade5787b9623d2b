"""Figures: predictions (Fig. 4, 6), sampling (Fig. 5), propagation (Fig. 3), and the targets of the loss terms."""
