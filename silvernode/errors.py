"""The one error of this package."""

from silversupport.errors import SilverError


class NodeError(SilverError):
    """Something that the node refuses or could not do.

    Attributes:
        output: what the application or a tool printed, shown below the message.
    """

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output.strip()
