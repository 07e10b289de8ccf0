"""Tracebacks as the application's author wants to read them."""

import traceback
from types import TracebackType

from silversupport.errors import SilverError

LOADERS = frozenset(
    {"silversupport", "silverlining", "sitecustomize", "importlib", "_frozen_importlib"}
)


def describe(error: BaseException) -> str:
    """Return `error` as text: one line for a `SilverError`, else a traceback.

    The traceback starts in the application: the frames of those who loaded it are left out.
    """
    if isinstance(error, SilverError):
        return f"{error}\n"
    own = _without_loaders(error.__traceback__)
    return "".join(traceback.format_exception(type(error), error, own))


def _without_loaders(tb: TracebackType | None) -> TracebackType | None:
    while tb and tb.tb_frame.f_globals.get("__name__", "").partition(".")[0] in LOADERS:
        tb = tb.tb_next
    return tb
