"""Negatives, one file a kind: each takes a positive's document, gives the changed text and where."""
