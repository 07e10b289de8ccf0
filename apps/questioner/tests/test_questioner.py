"""The form of questioner, filled in as a browser does."""

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
from webtest import TestApp, TestResponse

from questioner.answers import Answers
from questioner.application import Questioner
from questioner.headers import make_filter
from questioner.passwords import is_password
from questioner.questions import Question
from questioner.validation import check

QUESTIONS = (
    Question("cloud", "Which cloud?", "choice", choices=("Cirrus", "Stratus")),
    Question("talk", "A talk?", "yes_no"),
    Question("topic", "What about?", "text", required=False),
)

GOOD = {
    "name": "Ada",
    "email": "ada@example.org",
    "password": "correct horse",
    "password_again": "correct horse",
    "cloud": "Cirrus",
    "talk": "Yes",
}


@pytest.fixture
def app(tmp_path: Path) -> TestApp:
    return TestApp(Questioner("The <Weekend>", QUESTIONS, Answers(tmp_path), "a secret"))


def send(app: TestApp, status: int, **changes: str) -> TestResponse:
    """Open the form, fill it in well but for the changes, and send it."""
    form = app.get("/").form
    for name, value in (GOOD | changes).items():
        form[name].force_value(value)
    return form.submit(status=status)


def kept(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(directory.iterdir())]


def test_form_asks_every_question(app: TestApp) -> None:
    page = app.get("/")

    assert {"name", "email", "password", "password_again", "cloud", "talk", "topic"} <= set(
        page.form.fields
    )
    assert "The &lt;Weekend&gt;" in page.text


def test_form_is_filled_from_the_query_string(app: TestApp) -> None:
    form = app.get("/?name=Ada+%22%3Cb%3E&talk=No&cloud=Nimbus&password=leaked&topic=Fog").form

    assert form["name"].value == 'Ada "<b>'
    assert form["talk"].value == "No"
    assert form["cloud"].value is None
    assert form["topic"].value == "Fog"
    assert form["password"].value == ""


def test_query_string_cannot_replace_the_token(app: TestApp) -> None:
    assert app.get("/?token=forged").form["token"].value != "forged"


def test_registration_is_kept_and_thanked_for(app: TestApp, tmp_path: Path) -> None:
    response = send(app, 303, name="  Zoë  ")

    assert response.location == "http://localhost/thanks"
    assert "first to register" in response.follow().text
    (answer,) = kept(tmp_path)
    assert answer["name"] == "Zoë"
    assert answer["cloud"] == "Cirrus"
    assert answer["topic"] == ""
    assert "token" not in answer


def test_password_is_kept_as_a_hash_only(app: TestApp, tmp_path: Path) -> None:
    send(app, 303)

    (file,) = tmp_path.iterdir()
    assert "correct horse" not in file.read_text("utf-8")
    assert file.stat().st_mode & 0o077 == 0
    hashed = kept(tmp_path)[0]["password"]
    assert is_password("correct horse", hashed)
    assert not is_password("correct house", hashed)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "   ", "Please fill this in."),
        ("name", "x" * 201, "At most 200 characters"),
        ("name", "a\tb", "ordinary characters"),
        ("email", "", "Please fill this in."),
        ("email", "ada", "does not look like"),
        ("email", "a@b@c", "does not look like"),
        ("password", "short", "At least 10 characters"),
        ("password", "x" * 1001, "At most 1000 characters"),
        ("password_again", "incorrect horse", "not the same"),
        ("cloud", "", "Please choose"),
        ("cloud", "Nimbus", "Please choose"),
        ("talk", "Maybe", "Please choose"),
        ("topic", "x" * 201, "At most 200 characters"),
    ],
)
def test_mistake_is_shown_at_its_field_and_nothing_is_kept(
    app: TestApp, tmp_path: Path, field: str, value: str, message: str
) -> None:
    page = send(app, 400, **{field: value})

    assert message in page.html.find(id=f"{field}-error").text
    assert page.html.find(attrs={"name": field})["aria-invalid"] == "true"
    assert kept(tmp_path) == []


def test_form_with_a_mistake_keeps_what_was_typed_but_no_password(app: TestApp) -> None:
    page = send(app, 400, name='Ada "<script>', email="no address")

    assert page.form["name"].value == 'Ada "<script>'
    assert page.form["cloud"].value == "Cirrus"
    assert page.form["password"].value == ""
    assert page.form["password_again"].value == ""
    assert "correct horse" not in page.text
    assert "<script>" not in page.text


def test_corrected_form_is_accepted(app: TestApp, tmp_path: Path) -> None:
    form = send(app, 400, email="no address").form
    form["email"] = "ada@example.org"
    form["password"] = form["password_again"] = "correct horse"

    form.submit(status=303)

    assert len(kept(tmp_path)) == 1


def test_form_of_another_visitor_is_refused_and_shown_again(app: TestApp, tmp_path: Path) -> None:
    token = app.get("/").form["token"].value
    app.cookiejar = CookieJar()
    app.get("/")

    page = app.post("/", GOOD | {"token": token}, status=403)

    assert "Please send it again" in page.html.find(role="alert").text
    assert page.form["name"].value == "Ada"
    assert kept(tmp_path) == []


@pytest.mark.parametrize("token", ["", "0" * 64, "ü"])
def test_forged_form_is_refused(app: TestApp, tmp_path: Path, token: str) -> None:
    app.post("/", GOOD | {"token": token}, status=403)  # without a cookie
    app.get("/")
    app.post("/", GOOD | {"token": token}, status=403)

    assert kept(tmp_path) == []


def test_token_of_another_applications_secret_is_refused(app: TestApp, tmp_path: Path) -> None:
    other = TestApp(Questioner("", QUESTIONS, Answers(tmp_path), "another secret"))
    token = other.get("/").form["token"].value
    app.cookiejar = other.cookiejar

    app.post("/", GOOD | {"token": token}, status=403)


def test_full_disk_is_told_and_leaves_nothing_behind(
    app: TestApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)

    page = send(app, 503)

    assert "could not be saved" in page.text
    assert "No space left on device" in caplog.text
    assert "correct horse" not in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_missing_directory_is_told(app: TestApp, tmp_path: Path) -> None:
    tmp_path.rmdir()

    assert "could not be saved" in send(app, 503).text


def test_answers_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    with ThreadPoolExecutor(16) as pool:
        files = set(pool.map(lambda n: answers.add({"name": f"visitor {n}"}), range(100)))

    assert len(files) == answers.count() == 100
    assert {answer["name"] for answer in kept(tmp_path)} == {f"visitor {n}" for n in range(100)}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/%ff", 400),
        ("GET", "/?name=%ff", 400),
        ("DELETE", "/", 405),
        ("POST", "/thanks", 415),
    ],
)
def test_strange_requests_get_a_page_of_the_site(
    app: TestApp, method: str, path: str, status: int
) -> None:
    page = app.request(path, method=method, status=status)

    assert "To the form" in page.text


def test_too_large_a_form_is_refused(app: TestApp) -> None:
    app.post("/", GOOD | {"topic": "x" * 70_000}, status=413)


def test_upload_in_place_of_a_text_is_refused(app: TestApp) -> None:
    app.post("/", GOOD, upload_files=[("name", "name.txt", b"Ada")], status=415)


def test_links_stay_below_the_path_where_the_application_is_served(tmp_path: Path) -> None:
    app = TestApp(
        Questioner("", QUESTIONS, Answers(tmp_path), "a secret"),
        extra_environ={"SCRIPT_NAME": "/demo", "wsgi.url_scheme": "https"},
    )
    page = app.get("/")

    assert page.form.action == "/demo/"
    assert page.html.find(rel="stylesheet")["href"] == "/demo/questioner.css"
    cookie = page.headers["Set-Cookie"].lower()
    assert all(part in cookie for part in ("path=/demo", "secure", "httponly", "samesite=lax"))


def test_headers_of_the_configuration_are_on_pages_and_errors(app: TestApp) -> None:
    wrapped = TestApp(make_filter(app.app, {}, **{"X-Content-Type-Options": "nosniff"}))

    assert wrapped.get("/").headers["X-Content-Type-Options"] == "nosniff"
    assert wrapped.get("/no", status=404).headers["X-Content-Type-Options"] == "nosniff"


def test_fields_that_are_missing_are_mistakes() -> None:
    assert set(check(QUESTIONS, {})) == {"name", "email", "password", "cloud", "talk"}
