"""Evaluation: cluster and linear probes on frozen codes, dense CRF, matching and scores, results over seeds."""
