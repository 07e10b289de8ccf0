"""Makes sure that a form was sent from our own page, and not from another site's (CSRF).

The visitor's browser keeps a random value in a cookie, and the form carries that value's signature.
Another site can neither read the cookie nor sign.
"""

import hmac
import secrets

from webob import Request, Response

COOKIE = "questioner"


def get_value(request: Request) -> str:
    """Return the value in the visitor's cookie, or a new one."""
    value: str = request.cookies.get(COOKIE) or secrets.token_urlsafe(16)
    return value


def set_value(request: Request, response: Response, value: str) -> None:
    """Have the visitor's browser keep the value until it is closed."""
    response.set_cookie(
        COOKIE,
        value,
        path=request.script_name or "/",
        secure=request.scheme == "https",
        httponly=True,
        samesite="Lax",
    )


def sign(value: str, secret: str) -> str:
    """Return the token that belongs to a cookie's value."""
    return hmac.digest(secret.encode(), f"{COOKIE} {value}".encode(), "sha256").hex()


def is_ours(request: Request, token: str, secret: str) -> bool:
    """Tell whether a form's token was made for the visitor who sends it."""
    value = request.cookies.get(COOKIE)
    return bool(value) and hmac.compare_digest(sign(value, secret).encode(), token.encode())
