"""How many characters columns hold that people fill in; without SQLAlchemy, which commands would wait for."""

LONGEST_CONTACT = {"phone": 64, "hours": 200, "hours_fi": 200, "hours_sv": 200}
"""Of what a team says about how it is reached."""
