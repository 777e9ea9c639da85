"""What is stored in place of a person who must not be known later: a digest that says nothing once its key is gone."""

import hashlib
import hmac


def keyed_digest(key: str, secret: str, *said: object) -> str:
    """HMAC-SHA256 of these values, in hexadecimal digits. `key` is destroyed after a while; `secret`, the key of the
    installation, is not in the database."""
    return hmac.new(f"{key}{secret}".encode(), "\n".join(map(str, said)).encode(), hashlib.sha256).hexdigest()
