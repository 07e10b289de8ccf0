"""What a registration must look like."""

import re
from collections.abc import Iterable, Mapping

from questioner.questions import Question

LONGEST = 200  # characters of an answer
LONGEST_PASSWORD = 1000  # characters; only so that hashing one costs what it should
SHORTEST_PASSWORD = 10  # characters

PASSWORDS = ("password", "password_again")

# One @ with something on both sides; whether there is such a mailbox, only a letter to it tells.
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def check(questions: Iterable[Question], form: Mapping[str, str]) -> dict[str, str]:
    """Look for mistakes in a form that was sent.

    Args:
        questions: The questions that were asked.
        form: What was sent, stripped of space around it; fields may be missing.

    Returns:
        What to tell the visitor about each field that is wrong; nothing if all is well.
    """
    found = {
        "name": check_text(form.get("name", ""), required=True),
        "email": check_email(form.get("email", "")),
        "password": check_password(form.get("password", "")),
        "password_again": check_repetition(form),
    }
    for question in questions:
        found[question.name] = check_answer(question, form.get(question.name, ""))
    return {name: mistake for name, mistake in found.items() if mistake}


def check_text(text: str, *, required: bool) -> str | None:
    """Return what is wrong with a line of text, or None."""
    if not text:
        return "Please fill this in." if required else None
    if len(text) > LONGEST:
        return f"At most {LONGEST} characters, please."
    if not text.isprintable():
        return "Please use one line of ordinary characters."
    return None


def check_email(address: str) -> str | None:
    """Return what is wrong with an e-mail address, or None."""
    mistake = check_text(address, required=True)
    if mistake is None and not EMAIL.fullmatch(address):
        return "This does not look like an e-mail address."
    return mistake


def check_password(password: str) -> str | None:
    """Return what is wrong with a password, or None."""
    if len(password) < SHORTEST_PASSWORD:
        return f"At least {SHORTEST_PASSWORD} characters, please."
    if len(password) > LONGEST_PASSWORD:
        return f"At most {LONGEST_PASSWORD} characters, please."
    return None


def check_repetition(form: Mapping[str, str]) -> str | None:
    """Return what is wrong with the password's repetition, or None."""
    first, second = (form.get(name, "") for name in PASSWORDS)
    return None if first == second else "The two passwords are not the same."


def check_answer(question: Question, answer: str) -> str | None:
    """Return what is wrong with the answer to a question, or None."""
    if not question.options:
        return check_text(answer, required=question.required)
    chosen = answer in question.options or not (answer or question.required)
    return None if chosen else "Please choose one of the answers."
