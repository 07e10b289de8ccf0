"""`ansible-playbook`, which Ctrl-C ends without a traceback while it starts.

From when its workers are there, it has a handler of its own.
"""

import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

from ansible.cli.playbook import main  # noqa: E402 - its import takes the most of the time

from silverlining import playbook  # noqa: E402

if __name__ == "__main__":
    # Ansible looks for its other programs beside it.
    sys.argv[0] = playbook.program("ansible-playbook")
    main()
