"""Gates on pairs, one file each: a score, and apart from it what is kept; `base.py` applies them."""
