"""Tests of the guestbook: bin/python -m unittest discover src."""

import os
import tempfile
import unittest
from unittest.mock import patch

from guestbook import application
from webob import Request


class GuestbookTest(unittest.TestCase):
    """Sends requests to the application, with an empty book."""

    def setUp(self) -> None:
        """Give each test a directory of its own."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        files = patch.dict(os.environ, CONFIG_FILES=directory.name)
        files.start()
        self.addCleanup(files.stop)

    def test_an_entry_is_shown_escaped(self) -> None:
        """What a visitor writes is text, not HTML."""
        sent = Request.blank("/", POST={"entry": "<b>Hello"}).get_response(application)
        self.assertEqual(sent.status_code, 303)
        page = Request.blank("/").get_response(application)
        self.assertIn("<li>&lt;b&gt;Hello</li>", page.text)

    def test_an_empty_entry_is_refused(self) -> None:
        """The page says why."""
        sent = Request.blank("/", POST={"entry": " "}).get_response(application)
        self.assertEqual(sent.status_code, 400)
        self.assertIn("Write something", sent.text)

    def test_other_pages_are_not_there(self) -> None:
        """There is one page only."""
        self.assertEqual(Request.blank("/other").get_response(application).status_code, 404)


if __name__ == "__main__":
    unittest.main()
