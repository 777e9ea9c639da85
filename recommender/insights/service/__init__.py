"""Whom a team serves, what came of it, how long people waited, and by what the team measures itself.
Nothing here is about a single person of the team, and topics alone are taken from the folders beside this one."""
