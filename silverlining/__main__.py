"""What ./silver starts: Ctrl-C ends it without a traceback while it is being imported, too."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)

from silverlining import cli  # noqa: E402 - its import takes the most of the time

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    cli.main()
