"""From the outbox to the outside: each way of sending is one file. The queue itself is in `recommender/outbox/`."""
