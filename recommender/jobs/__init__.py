"""Background work kept in the database: what a page or a program has asked for, and `kollega watch` does. What must
reach somebody outside is in `outbox/`."""
