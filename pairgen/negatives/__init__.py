"""Negatives, one file a kind: each takes a positive's document and gives the changed text with its changed characters."""
