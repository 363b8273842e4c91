"""Prefect flows and the command line: wiring only. Open build.py first."""
