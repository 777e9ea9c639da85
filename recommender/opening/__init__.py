"""Loading what answers questions, before the first one. What is loaded later, when it has changed, belongs in
`live.py`."""
