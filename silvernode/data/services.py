"""The services that an app has on this node."""

import importlib.util

from silvernode.data.service import Service
from silvernode.errors import NodeError
from silvernode.layout import Layout


def of_app(layout: Layout, app: str, side: str = "restore") -> dict[str, Service]:
    """Return the services that an app has, by name, a database before the others.

    Args:
        layout: the node's paths.
        app: the app's name.
        side: names their copies on the side, see `silvernode.data.service.Service`.

    Raises:
        NodeError: the node has no program for one of them.
    """
    names = sorted(path.stem for path in layout.service_envs(app).glob("*.env"))
    found = {name: load(layout, name)(layout, app, side) for name in names}
    # A file without its row does no harm, a row without its file does: rows are read first.
    return dict(sorted(found.items(), key=lambda item: not item[1].has_checkpoint))


def load(layout: Layout, name: str) -> type[Service]:
    """Return the class of a service.

    Raises:
        NodeError: there is none.
    """
    path = layout.service_program(name)
    spec = importlib.util.spec_from_file_location(f"silverlining_service_{name}", path)
    if spec is None or spec.loader is None or not path.exists():
        raise NodeError(
            f"this node has no {path}, which keeps the data of service.{name};"
            " run ./silver setup-node for it"
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    service: type[Service] = module.Service
    return service
