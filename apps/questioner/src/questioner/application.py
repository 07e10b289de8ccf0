"""The application: a form, and a page that says thanks."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from formencode import htmlfill
from webob import Request, Response
from webob.dec import wsgify
from webob.exc import (
    HTTPBadRequest,
    HTTPError,
    HTTPForbidden,
    HTTPLengthRequired,
    HTTPMethodNotAllowed,
    HTTPNotFound,
    HTTPRequestEntityTooLarge,
    HTTPSeeOther,
    HTTPServiceUnavailable,
    HTTPUnsupportedMediaType,
)

from questioner import csrf, validation
from questioner.answers import Answers, AnswersError
from questioner.passwords import hash_password
from questioner.questions import Question, load
from questioner.templates import render
from silversupport.secret import get_secret

LARGEST = 64 * 1024  # bytes of a form

LOST = "Your answers could not be saved, and nothing of them was kept. Please try again later."
EXPIRED = "This form was open for too long, or the browser keeps no cookies. Please send it again."

logger = logging.getLogger(__name__)


def make_app(global_conf: dict[str, str], title: str, questions: str) -> "Questioner":
    """Make the application, as PasteDeploy asks for it.

    Args:
        global_conf: The options of the .ini file's section DEFAULT.
        title: What one registers for.
        questions: The file of questions.

    Raises:
        QuestionsError: The file of questions cannot be used.
    """
    return Questioner(
        title, load(Path(questions)), Answers(Path(os.environ["CONFIG_FILES"])), get_secret()
    )


def check_request(request: Request) -> None:
    """Refuse a request that no form of ours sends, before anything of it is used.

    Raises:
        HTTPError: Its address is not UTF-8; or its body is no form, or too large for one.
    """
    try:
        dict(request.GET, path=request.path_info)
    except UnicodeDecodeError as error:
        raise HTTPBadRequest("The address is not valid UTF-8.") from error
    if request.method != "POST":
        return
    if request.content_type != "application/x-www-form-urlencoded":
        raise HTTPUnsupportedMediaType("This is not a form.")
    if request.content_length is None:
        raise HTTPLengthRequired("How long is this form?")
    if request.content_length > LARGEST:
        raise HTTPRequestEntityTooLarge(f"A form has at most {LARGEST} bytes.")


class Questioner:
    """The WSGI application.

    Args:
        title: What one registers for.
        questions: What is asked besides name, address and password.
        answers: Where the answers are kept.
        secret: What forms are signed with.
    """

    def __init__(
        self, title: str, questions: tuple[Question, ...], answers: Answers, secret: str
    ) -> None:
        self.title = title
        self.questions = questions
        self.answers = answers
        self.secret = secret
        self.kept = ("name", "email", *(question.name for question in questions))

    @wsgify
    def __call__(self, request: Request) -> Response:
        """Answer a request with a page, or with a page that says what was wrong with it."""
        try:
            return self.dispatch(request)
        except HTTPError as error:
            error.text = self.page(request, "error.html", error=error)
            return error

    def dispatch(self, request: Request) -> Response:
        """Find out what is asked for, and answer it.

        Args:
            request: The request.

        Returns:
            The response.

        Raises:
            HTTPError: There is no such page, or the request cannot be understood or served.
        """
        check_request(request)
        match request.method, request.path_info or "/":
            case "GET" | "HEAD", "/":
                return self.show_form(request, request.GET)
            case "POST", "/":
                return self.register(request)
            case "GET" | "HEAD", "/thanks":
                return Response(self.page(request, "thanks.html", count=self.answers.count()))
            case _, "/":
                raise HTTPMethodNotAllowed(
                    "This page is not for that.", allow=("GET", "HEAD", "POST")
                )
            case _, "/thanks":
                raise HTTPMethodNotAllowed("This page can only be read.", allow=("GET", "HEAD"))
        raise HTTPNotFound("There is no such page.")

    def page(self, request: Request, template: str, /, **values: object) -> str:
        """Draw a page of the site."""
        return render(template, root=request.script_name, title=self.title, **values)

    def show_form(
        self,
        request: Request,
        values: Mapping[str, str],
        errors: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        """Show the form, filled in.

        Args:
            request: The request.
            values: What to fill it in with; what is no field of it, or a password, is left out.
            errors: What to tell the visitor about a field, or, by the name `form`, about it all.
            status: The response's status.

        Returns:
            The page.
        """
        errors = dict(errors or {})
        visitor = csrf.get_value(request)
        defaults = {name: values[name] for name in self.kept if name in values}
        defaults["token"] = csrf.sign(visitor, self.secret)
        filled = htmlfill.render(
            self.page(request, "form.html", questions=self.questions, rules=validation),
            defaults,
            errors,
            add_attributes={name: {"aria-invalid": "true"} for name in errors},
            auto_insert_errors=False,
            force_defaults=False,
        )
        response = Response(filled, status=status, cache_control="no-store")
        csrf.set_value(request, response, visitor)
        return response

    def register(self, request: Request) -> Response:
        """Keep an answer, and go on to thank for it; or show the form again, with what is wrong."""
        form = {
            name: value if name in validation.PASSWORDS else value.strip()
            for name, value in request.POST.items()
        }
        if not csrf.is_ours(request, form.get("token", ""), self.secret):
            return self.show_form(request, form, {"form": EXPIRED}, HTTPForbidden.code)
        errors = validation.check(self.questions, form)
        if errors:
            return self.show_form(request, form, errors, HTTPBadRequest.code)
        self.keep(form)
        return HTTPSeeOther(location=f"{request.script_name}/thanks")

    def keep(self, form: Mapping[str, str]) -> None:
        """Keep what was answered, and the password's hash.

        Raises:
            HTTPServiceUnavailable: It could not be written; the log says why.
        """
        answer = {name: form.get(name, "") for name in self.kept}
        try:
            self.answers.add(answer | {"password": hash_password(form["password"])})
        except AnswersError as error:
            logger.exception("An answer was lost")
            raise HTTPServiceUnavailable(LOST) from error
