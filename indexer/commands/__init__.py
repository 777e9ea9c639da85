"""The bodies of the `kollega` commands, one file per group. They never import `indexer.cli`."""
