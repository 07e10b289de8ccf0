"""The data of `service.writable_root`: see `silvernode.data.service`."""

from silvernode.data.directory import Directory


class Service(Directory):
    """The files that an app writes and that are served at the root of its URLs."""

    kind = "writable-root"
