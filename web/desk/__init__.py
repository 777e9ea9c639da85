"""What only agents do: the page of the queue, actions on one request or several, internal notes, canned replies.

The page of a request and the rows of the queue are in `web/requests/`.
"""
