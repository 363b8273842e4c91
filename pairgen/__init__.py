"""Texts to pairs: corpus, splits, models, mining, rewriting, negatives, and the store of versions."""

import os

# Threads of torch that wait for each other sleep instead of spinning, set before torch loads its OpenMP: on 2 cores
# that another process shares, three training steps take 19 s of CPU time and not over 98.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
