import json
from typing import Any

import pytest
import requests
from libcloud.common import exceptions, google
from libcloud.common.types import InvalidCredsError, MalformedResponseError

from silverlining.nodes import failures
from silverlining.nodes.failures import Kind

# Libcloud has no types for these.
BaseHTTPError: Any = exceptions.BaseHTTPError
QuotaExceededError: Any = google.QuotaExceededError
RateLimitReachedError: Any = exceptions.RateLimitReachedError


@pytest.mark.parametrize(
    ("error", "kind", "is_refusal"),
    [
        (InvalidCredsError(), Kind.CREDENTIALS, True),
        (BaseHTTPError(401, "no"), Kind.CREDENTIALS, True),
        (BaseHTTPError(403, "Quota exceeded for instances"), Kind.QUOTA, True),
        (BaseHTTPError(422, "this will exceed your droplet limit"), Kind.QUOTA, True),
        (QuotaExceededError("no", 403, "QUOTA"), Kind.QUOTA, True),
        (RateLimitReachedError(), Kind.RATE_LIMIT, True),
        (BaseHTTPError(503, "RequestLimitExceeded: slow down"), Kind.RATE_LIMIT, True),
        (BaseHTTPError(400, "Invalid name"), Kind.OTHER, True),
        (BaseHTTPError(408, "Request timeout"), Kind.TIMEOUT, False),
        (BaseHTTPError(502, "Bad gateway"), Kind.SERVER, False),
        (requests.ReadTimeout("60 s"), Kind.TIMEOUT, False),
        (TimeoutError(), Kind.TIMEOUT, False),
        (requests.ConnectionError("reset"), Kind.CONNECTION, False),
        (ConnectionResetError(), Kind.CONNECTION, False),
        (MalformedResponseError("no", "<html>"), Kind.ANSWER, False),
        (json.JSONDecodeError("no", "x", 0), Kind.ANSWER, False),
        (KeyError("id"), Kind.ANSWER, False),
        (RuntimeError("odd"), Kind.OTHER, False),
    ],
)
def test_what_a_failure_means(error: Exception, kind: Kind, is_refusal: bool) -> None:
    assert (failures.kind(error), failures.is_refusal(error)) == (kind, is_refusal)


def test_a_page_for_an_answer_is_cut_to_one_line() -> None:
    text = failures.words(BaseHTTPError(502, "<html>\n" + "x" * 5000))
    assert ("\n" in text, len(text) < 320, text[:20]) == (False, True, "BaseHTTPError: <html")


def test_the_wait_is_the_one_that_the_provider_names_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    answers = iter([RateLimitReachedError(headers={"retry-after": "7"}), None])

    def ask() -> str:
        error: Any = next(answers)
        if error:
            raise error
        return "answer"

    assert failures.patient()(ask) == "answer"
    assert waited == [7]
    answers = iter([RateLimitReachedError(headers={"retry-after": "3600"})])
    with pytest.raises(RateLimitReachedError):
        failures.patient()(ask)
    assert waited == [7]
