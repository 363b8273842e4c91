"""Data cards: what is in a version and whether it may be used, for people, the Hub and machines."""
