"""The one error of this package."""

from silversupport.errors import SilverError


class BackupError(SilverError):
    """An archive, a key or a destination cannot be used; says what, where, and what to do."""
