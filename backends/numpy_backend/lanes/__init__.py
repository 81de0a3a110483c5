"""Batches of small networks: every number is a row of as many as are computed at once."""
