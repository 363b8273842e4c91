"""Texts to pairs: corpus, splits, models, mining, rewriting, negatives, and the store of versions."""
