"""Counterfactual rewriting: the smallest edit that takes the toxicity and leaves the meaning.

`locate` finds the words that carry the toxicity, `propose` replaces or deletes them, `repair` mends the sentence around
the edit, `rewrite` ranks what is left and abstains where nothing is good.
"""
