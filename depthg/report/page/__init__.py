"""The report of a data set: one HTML file that needs no network, for reading on a screen of any size."""
