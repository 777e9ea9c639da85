"""What must reach somebody outside: the queue, when to try again, and what became of it. Sending is done by
`indexer/delivery/`."""
