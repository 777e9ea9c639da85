"""How people sign in: accounts, passwords, sessions, tokens of the API, the second factor, links to a new password.
Who may read what is not decided here but in access.py."""

from recommender.accounts.account import ROLES, disable, enable, find, link, open_account, set_email, unlink
from recommender.accounts.account import by_subject as account_by_subject
from recommender.accounts.passwords import matches, name_key, set_password, sign_in
from recommender.accounts.tokens import SCOPES, make_token, token_of

__all__ = [
    "ROLES",
    "SCOPES",
    "account_by_subject",
    "disable",
    "enable",
    "find",
    "link",
    "make_token",
    "matches",
    "name_key",
    "open_account",
    "set_email",
    "set_password",
    "sign_in",
    "token_of",
    "unlink",
]
