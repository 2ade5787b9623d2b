"""Losses: feature and depth correlation, distilled into codes; hidden positives. Pure functions of tensors."""
