"""Passwords, which are kept only as hashes."""

import hashlib
import hmac
import secrets

# From OWASP's Password Storage Cheat Sheet: 16 MiB of memory for each hash.
COST, BLOCK, PARALLEL = 2**14, 8, 5


def hash_password(password: str) -> str:
    """Hash a password with a new salt.

    Args:
        password: The password.

    Returns:
        The method, its parameters, the salt and the hash, separated by `$`.
    """
    salt = secrets.token_bytes(16)
    digest = scrypt(password, salt)
    return f"scrypt${COST}${BLOCK}${PARALLEL}${salt.hex()}${digest.hex()}"


def is_password(password: str, hashed: str) -> bool:
    """Tell whether a password is the one that was hashed.

    Args:
        password: The password.
        hashed: What `hash_password` made.
    """
    *_, salt, digest = hashed.split("$")
    return hmac.compare_digest(scrypt(password, bytes.fromhex(salt)), bytes.fromhex(digest))


def scrypt(password: str, salt: bytes) -> bytes:
    """Return the hash of a password with a salt."""
    return hashlib.scrypt(password.encode(), salt=salt, n=COST, r=BLOCK, p=PARALLEL)
