"""Secrets of 256 bits for cookies, bearer tokens and claim links; only their digests are stored."""

import hashlib
import secrets

TOKEN_PREFIX = "likeness_"  # noqa: S105  # no secret: it lets people and secret scanners recognise a leaked token
SHOWN_LENGTH = len(TOKEN_PREFIX) + 6


def new_secret() -> str:
    """43 characters of base64url."""
    return secrets.token_urlsafe(32)


def new_token() -> str:
    """A bearer token: the recognisable prefix and a secret."""
    return TOKEN_PREFIX + new_secret()


def digest(secret: str) -> bytes:
    """What is stored: SHA-256 [32 bytes]. A plain hash suffices, for nobody can guess 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
