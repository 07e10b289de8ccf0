"""The data of `service.files`: see `silvernode.data.service`."""

from silvernode.data.directory import Directory


class Service(Directory):
    """The files that an app keeps."""

    kind = "files"
