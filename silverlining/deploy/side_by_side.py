"""The same work for several nodes at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from silverlining.deploy.node_program import NodeProgramError
from silverlining.deploy.node_update import NodeUpdate
from silversupport.errors import SilverError

T = TypeVar("T")


def together(
    pool: ThreadPoolExecutor, work: Callable[[NodeUpdate], T], nodes: Sequence[NodeUpdate]
) -> list[T]:
    """Return what the work for each node gives; all of it is over before a failure is told of.

    Raises:
        SilverError: it failed for a node; tells of all for which it failed.
    """
    futures = [pool.submit(work, node) for node in nodes]
    errors = [error for each in futures if (error := each.exception())]
    if errors:
        raise one_of(errors)
    return [each.result() for each in futures]


def one_of(errors: Sequence[BaseException]) -> BaseException:
    """Return one error in the place of several: what any of them says, with the first output."""
    for error in errors:
        if len(errors) == 1 or not isinstance(error, SilverError):
            return error
    known = [error for error in errors if isinstance(error, NodeProgramError)]
    return NodeProgramError(
        "\n".join(dict.fromkeys(map(str, errors))),
        next((error.output for error in known if error.output), ""),
        data_changed=any(error.data_changed for error in known),
    )
