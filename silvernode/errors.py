"""The one error of this package."""

from silversupport.errors import SilverError


class NodeError(SilverError):
    """Something that the node refuses or could not do.

    Attributes:
        output: what the application or a tool printed, shown below the message.
        status: the exit status of a command that runs something of the app's, and so has to tell
            its own failures from that one's. As of env(1).
    """

    status: int = 125

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output.strip()


class DataChanged(NodeError):
    """A failure after which an app's data is not what it was."""
