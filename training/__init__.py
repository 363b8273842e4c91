"""Contrast training on a published version, and the evaluation of what came out."""
