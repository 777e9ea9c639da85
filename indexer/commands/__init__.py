"""The `kollega` commands, one module per group of commands. They never import `indexer.cli`.

`kollega --help` loads all of these modules, so they import only what is light; what a command needs besides (the
database, the index, the model) is imported inside its function.
"""
