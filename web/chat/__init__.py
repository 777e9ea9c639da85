"""Asking from Slack and Teams: signed calls of these systems are answered to the asker only, with the rights of the
person who has linked their account."""
