"""Notifications: the inbox, its counters in the navigation, following a request, and the settings of mail.

Who is told of what is in `recommender/notifications/`; mail is sent by `indexer/delivery/`.
"""
