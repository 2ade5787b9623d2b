"""Figures and tables of finished results, and the plan of a run."""
