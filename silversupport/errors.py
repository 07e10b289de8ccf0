"""The root of the project's errors."""


class SilverError(Exception):
    """Something that a user can put right: the message says what, where and how."""
