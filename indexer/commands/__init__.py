"""The `kollega` commands, one module per group of commands. They never import `indexer.cli`.

`kollega --help` loads all of these modules, so they import only light modules; what else a command needs (the database,
the index, the model) is imported inside its function.
"""
