"""Who belongs to the organisation, for admins: adding and inviting people, their roles and teams, leaving, two accounts
of one person, lists of people from files. How somebody signs in is in `accounts/`; who is suggested is in `people/`.

Each function records what it did in the audit log, and leaves the commit to the caller.
"""
