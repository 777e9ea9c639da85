"""Signing in: sessions with a password, trusted proxies, and OpenID Connect."""
