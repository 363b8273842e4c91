"""`python -m flows` is `contrast-pairs`."""

from flows.cli import main

main()
