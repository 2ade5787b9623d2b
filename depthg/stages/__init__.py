"""Stages computed once per data set and shared by all experiments; one module per rule of the workflow."""
