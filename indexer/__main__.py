"""`python -m indexer` is `kollega`."""

from indexer.cli import main

main()
