"""What all sources share that ask the REST interface of another system: the client, waiting, paging and options."""
