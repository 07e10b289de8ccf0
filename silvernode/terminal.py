"""The terminal of a command, and who gets what is typed into it.

With `silver run` Ctrl-C comes as a key like others, not as a signal; TERMINAL of the laptop's
`connections` says why. For the command it is a signal again, until systemd-run gets the terminal to
pass on what is typed to that of the script. By itself it would do so from the moment that it has
asked for the script: Ctrl-C in a terminal that no process controls yet comes to nothing.
"""

import os
import signal
import subprocess
import termios
import time
from collections.abc import Callable

STANDARD_INPUT = 0
LOCAL_MODES = 3
"""Where termios.tcgetattr has them."""

PAUSE_SECONDS = 0.02


def be_interrupted() -> None:
    """Have Ctrl-C be a signal to this process."""
    _set_signals(wanted=True)


def lend(process: subprocess.Popen[bytes], is_early: Callable[[], bool]) -> None:
    """Let a program have the terminal for good, which was started with a process group of its own.

    Args:
        process: the program. Being in the background it is stopped when it reaches for the
            terminal, as a shell's job is: https://www.gnu.org/software/libc/manual/html_node/Access-to-the-Terminal.html
        is_early: tells whether it would still lose what is typed.
    """
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    while is_early():
        time.sleep(PAUSE_SECONDS)
    _set_signals(wanted=False)
    # This process is in the background from here on, and may write all the same.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(STANDARD_INPUT, process.pid)
    os.killpg(process.pid, signal.SIGCONT)


def _set_signals(*, wanted: bool) -> None:
    """Have keys be signals, or bytes like others."""
    modes = termios.tcgetattr(STANDARD_INPUT)
    modes[LOCAL_MODES] &= ~termios.ISIG
    modes[LOCAL_MODES] |= termios.ISIG if wanted else 0
    termios.tcsetattr(STANDARD_INPUT, termios.TCSANOW, modes)
