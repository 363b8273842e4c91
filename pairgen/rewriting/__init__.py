"""Counterfactual rewriting: the smallest edit that takes the toxicity and leaves the meaning.

`locate` finds the words that carry the toxicity, `propose` replaces or deletes them, `repair` mends the sentence around
the edit, `rewrite` ranks what is left, asks models for more where nothing is good (`generate`), and else abstains.
"""
