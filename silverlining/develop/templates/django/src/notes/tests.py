"""Tests of the notes: bin/python bin/manage.py test notes."""

from django.test import TestCase

from notes.models import Note


class NotesTest(TestCase):
    """Sends requests to the site, with a database of its own."""

    def test_a_note_is_shown_escaped(self) -> None:
        """What a visitor writes is text, not HTML."""
        sent = self.client.post("/", {"text": "<b>Hello"})
        self.assertRedirects(sent, "/")
        self.assertContains(self.client.get("/"), "<li>&lt;b&gt;Hello</li>")

    def test_an_empty_note_is_refused(self) -> None:
        """The page says why."""
        self.assertContains(self.client.post("/", {"text": ""}), "required", status_code=400)
        self.assertFalse(Note.objects.exists())

    def test_the_admin_wants_a_password(self) -> None:
        """Nobody gets in without one."""
        self.assertRedirects(self.client.get("/admin/"), "/admin/login/?next=/admin/")
