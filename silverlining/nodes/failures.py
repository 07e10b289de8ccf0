"""Why a provider failed, as far as it can be told from what a driver raises.

Drivers raise errors of Libcloud, of HTTP and XML libraries, and of Python itself.
"""

import json
from enum import Enum

import requests
import tenacity
from libcloud.common.types import InvalidCredsError, MalformedResponseError

LONGEST = 300
"""Characters of a provider's own words; some answer with a whole page."""

PATIENCE_SECONDS = 120.0
"""How long a provider is asked again that says that it was asked too often."""


class Kind(Enum):
    """What went wrong, and what to do about it."""

    CREDENTIALS = (
        "the credentials are wrong or may not do this; look at key, secret, key_env and "
        "secret_env of the source file, and at the account's permissions"
    )
    QUOTA = "a quota of the account is reached; remove something there, or have the quota raised"
    RATE_LIMIT = "it was asked too often, and still said so two minutes later; wait, and try again"
    TIMEOUT = "it did not answer in time; try again, and look at the provider's status page"
    CONNECTION = (
        "it cannot be reached; look at this machine's network, and at region and options of the "
        "source file"
    )
    SERVER = "it has a fault of its own; try again, and look at the provider's status page"
    ANSWER = (
        "its answer is not what Libcloud expects; look at provider, region and options of the "
        "source file"
    )
    OTHER = ""


# What providers call it, in the order in which it decides.
_WORDS = (
    (
        Kind.RATE_LIMIT,
        ("requestlimitexceeded", "throttl", "rate limit", "ratelimit", "too many requests"),
    ),
    (
        Kind.QUOTA,
        ("quota", "limitexceeded", "limit exceeded", "droplet limit", "insufficientfreeaddresses"),
    ),
    (Kind.CREDENTIALS, ("authfailure", "unauthorized", "invalid_grant", "googleautherror")),
)

_CODES = {401: Kind.CREDENTIALS, 403: Kind.CREDENTIALS, 408: Kind.TIMEOUT, 429: Kind.RATE_LIMIT}

_CLASSES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Kind], ...] = (
    (InvalidCredsError, Kind.CREDENTIALS),
    ((TimeoutError, requests.Timeout), Kind.TIMEOUT),
    (MalformedResponseError, Kind.ANSWER),
    (json.JSONDecodeError, Kind.ANSWER),
    ((requests.RequestException, OSError), Kind.CONNECTION),
    ((LookupError, AttributeError, TypeError, SyntaxError), Kind.ANSWER),
)


def kind(error: BaseException) -> Kind:
    """Return what kind of failure an error tells of."""
    code = _code(error)
    words = f"{type(error).__name__} {error}".lower()
    for found, signs in _WORDS:
        if any(sign in words for sign in signs):
            return found
    if code is not None:
        return _CODES.get(code, Kind.SERVER if code >= 500 else Kind.OTHER)
    return next((found for classes, found in _CLASSES if isinstance(error, classes)), Kind.OTHER)


def is_refusal(error: BaseException) -> bool:
    """Return whether the provider has said that it did not do what it was asked."""
    code = _code(error)
    refused = kind(error) in {Kind.CREDENTIALS, Kind.QUOTA, Kind.RATE_LIMIT}
    return refused or (code is not None and 400 <= code < 500 and kind(error) is not Kind.TIMEOUT)


def words(error: BaseException) -> str:
    """Return what an error says as one line that is not too long."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def patient(longest: float = PATIENCE_SECONDS) -> tenacity.Retrying:
    """Return what calls a function again while the provider says that it was asked too often.

    Args:
        longest: Seconds after which its error is raised.
    """
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: kind(error) is Kind.RATE_LIMIT),
        wait=_pause,
        stop=tenacity.stop_before_delay(longest),
        reraise=True,
    )


def _pause(state: tenacity.RetryCallState) -> float:
    """Return the seconds to wait: those that the provider names, else more each time."""
    error = state.outcome.exception() if state.outcome else None
    named = float(getattr(error, "retry_after", 0) or 0)
    return named or float(tenacity.wait_random_exponential(multiplier=1, max=30)(state))


def _code(error: BaseException) -> int | None:
    """Return the HTTP status that an error tells of, in Libcloud's two ways, None if none."""
    for name in ("http_code", "code"):
        found = getattr(error, name, None)
        if isinstance(found, int):
            return int(found)
    return None
