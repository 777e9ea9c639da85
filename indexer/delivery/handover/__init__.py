"""Sends requests on to where a team works: a ticket system, a mailbox, a webhook. The queue is in
`recommender/outbox/handover.py`."""
