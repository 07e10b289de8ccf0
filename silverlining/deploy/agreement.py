"""All nodes of a set serve a new version, or none.

The first node tries its new instance and carries out `update_fetch`; then the others try theirs,
side by side. When every one has passed its trial, the others serve it, and last of all the first
one: if anything fails before that, it puts the data back.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from silverlining.deploy.node_program import NodeProgramError
from silverlining.deploy.node_update import NodeUpdate
from silverlining.deploy.session import Session
from silverlining.deploy.side_by_side import one_of, together
from silversupport.errors import SilverError

Results = dict[str, dict[str, Any]]
"""What each node answered, by its name."""


def switch(
    pool: ThreadPoolExecutor, nodes: Sequence[NodeUpdate], begin: Callable[[NodeUpdate], Session]
) -> Results:
    """Have all nodes try the new instance, and then serve it; if one fails, none does.

    Args:
        pool: threads to wait for them.
        nodes: what was uploaded; the first one is the leader.
        begin: has a node begin with its trial.

    Raises:
        SilverError: all serve what they served before; or says which does not, and what it needs.
    """
    leader, *others = nodes
    untried, sessions = list(nodes), dict[str, Session]()

    def try_it(node: NodeUpdate) -> None:
        session = begin(node)
        untried.remove(node)  # From here on it removes the upload by itself.
        session.tried()
        sessions[node.name] = session

    def serve(node: NodeUpdate) -> dict[str, Any]:
        return sessions.pop(node.name).serve()

    served: list[NodeUpdate] = []
    try:
        try_it(leader)
        together(pool, try_it, others)
        answers = _served(pool, serve, others, served)
        return answers | {leader.name: serve(leader)}
    except SilverError as error:
        given_up = list(pool.map(lambda session: session.refuse(), sessions.values()))
        told = _with_data_told(error, given_up)
        told = _after(pool, NodeUpdate.take_back, served, told)
        raise _after(pool, NodeUpdate.abandon, untried, told) from error


def give_up(
    pool: ThreadPoolExecutor, nodes: Sequence[NodeUpdate], error: SilverError
) -> SilverError:
    """Have all nodes remove an upload that has failed; return the error to tell of."""
    return _after(pool, NodeUpdate.abandon, nodes, error)


def share_secret(pool: ThreadPoolExecutor, nodes: Sequence[NodeUpdate]) -> None:
    """Give all nodes the secret of one that has served the app before, or else of the first.

    Raises:
        SilverError: a node does not answer.
    """
    source = next((node for node in nodes if node.active), nodes[0])
    others = [node for node in nodes if node.needs["secret"] != source.needs["secret"]]
    if others:
        request = {"app": source.release.plan["name"]}
        told = source.node.ask("secret", request)
        together(pool, lambda node: node.node.ask("secret", request | told), others)


def _served(
    pool: ThreadPoolExecutor,
    serve: Callable[[NodeUpdate], dict[str, Any]],
    nodes: Sequence[NodeUpdate],
    served: list[NodeUpdate],
) -> Results:
    """Have nodes serve the new instance; notes those that do, also where another one fails."""
    futures = {node.name: pool.submit(serve, node) for node in nodes}
    errors = [error for each in futures.values() if (error := each.exception())]
    served += [node for node in nodes if not futures[node.name].exception()]
    if errors:
        raise one_of(errors)
    return {name: each.result() for name, each in futures.items()}


def _after(
    pool: ThreadPoolExecutor,
    work: Callable[[NodeUpdate], None],
    nodes: Sequence[NodeUpdate],
    error: SilverError,
) -> SilverError:
    """Return an error, once the nodes have done what it makes necessary; tells if one has not."""
    try:
        together(pool, work, nodes)
    except SilverError as trouble:
        return _more(error, str(trouble))
    return error


def _with_data_told(error: SilverError, given_up: Sequence[NodeProgramError | None]) -> SilverError:
    """Return an error with what the nodes that had to give up say of the app's data."""
    for each in given_up:
        if each and (told := str(each).partition("\n")[2]):
            error = _more(error, told, data_changed=each.data_changed)
    return error


def _more(error: SilverError, text: str, *, data_changed: bool = False) -> NodeProgramError:
    known = error if isinstance(error, NodeProgramError) else NodeProgramError(str(error))
    changed = known.data_changed or data_changed
    return NodeProgramError(f"{error}\n{text}", known.output, data_changed=changed)
