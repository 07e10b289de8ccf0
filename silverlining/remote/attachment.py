"""A program on a node that has this process's streams, and gets this process's signals."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from silverlining.remote.connections import Connection
from silversupport.errors import SilverError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
SSH_FAILED = 255
"""The exit status of ssh for a failure of its own, and of a program that says so."""

SIGNALLED = 128
"""Added to a signal's number, makes the exit status of what it ended, as in a shell."""

SIGNAL_SECONDS = 20
"""Until a node that does not take a signal is given up."""

LOCAL_MODES = 3
"""Where termios.tcgetattr has them."""

PR_SET_PDEATHSIG = 1
"""The option of prctl(2) by which a process is ended with its parent."""


class AttachmentError(SilverError):
    """The connection to a program could not be made, or was lost."""


class Attachment:
    """A program on a node, attached to this process."""

    def __init__(
        self, connection: Connection, program: Sequence[str], signaller: Sequence[str], *, tty: bool
    ) -> None:
        """Prepare to run a program.

        Args:
            connection: the way to the node.
            program: what is run there, as root; it ends by itself when nobody reads its output.
            signaller: what passes on a signal there, given its name as one more argument.
            tty: whether the program gets a terminal, through which Ctrl-C comes to it.
        """
        self.connection, self.program, self.signaller = connection, program, signaller
        self.tty = tty
        self._interrupts = 0
        self._received: signal.Signals | None = None

    def run(self) -> int:
        """Run the program to its end.

        Returns:
            Its exit status.

        Raises:
            AttachmentError: ssh failed.
        """
        with tempfile.TemporaryDirectory(prefix="silver-") as directory:
            log = Path(directory, "ssh.log")
            command = self.connection.command(self.program, tty=self.tty, log=log)
            with self._terminal(), self._handlers():
                status = self._wait(command)
            complaint = log.read_text(errors="replace").strip() if log.exists() else ""
        if self._received and (status < 0 or status == SSH_FAILED):
            node = self.connection.node
            sys.stderr.write(f"silver: interrupted; whatever it started on {node} ends by itself\n")
            return SIGNALLED + self._received
        if status == SSH_FAILED and complaint:
            raise AttachmentError(f"no connection to {self.connection.node}: {complaint}")
        return status

    def _wait(self, command: Sequence[str]) -> int:
        # Signals wait until there is something that they can be passed on to.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self._ssh = subprocess.Popen(command, preexec_fn=lambda: self._prepare(before))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self._ssh.wait()

    def _prepare(self, mask: Iterable[int]) -> None:
        """Make ssh, before it is one, end with this process, and leave its signals to this one."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if self.tty:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        # Else they stay blocked. Ignored would not do: an ssh that shares an open connection
        # handles them all the same.

    @contextmanager
    def _terminal(self) -> Iterator[None]:
        """Restore this side's terminal in the end: TERMINAL of `connections` changes it."""
        if not self.tty:
            yield
            return
        before = termios.tcgetattr(sys.stdin)
        try:
            if self.connection.is_open():
                # ssh has none to make, and so does nothing when it is made.
                modes = termios.tcgetattr(sys.stdin)
                modes[LOCAL_MODES] &= ~termios.ISIG
                termios.tcsetattr(sys.stdin, termios.TCSANOW, modes)
            yield
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

    @contextmanager
    def _handlers(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._receive) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _receive(self, number: int, _frame: object) -> None:
        self._received = signal.Signals(number)
        if self.tty:
            # Once ssh is connected, Ctrl-C is a key like others.
            self._ssh.terminate()
            return
        self._interrupts += number == signal.SIGINT
        if self._interrupts > 2:
            self._ssh.kill()
            return
        again = number == signal.SIGINT and self._interrupts == 2
        if number == signal.SIGINT:
            hint = "" if again else "; Ctrl-C again kills it"
            # A terminal has just shown ^C.
            start = "\n" if sys.stderr.isatty() else ""
            doing = "killing" if again else "interrupting"
            os.write(2, f"{start}silver: {doing} it{hint}\n".encode())
        passed = signal.SIGKILL if again else self._received
        threading.Thread(target=self._pass_on, args=(passed.name,), daemon=True).start()

    def _pass_on(self, name: str) -> None:
        """Have the node send a signal to the program; if it cannot, end the connection."""
        try:
            subprocess.run(
                self.connection.command([*self.signaller, name]),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                timeout=SIGNAL_SECONDS,
                check=True,
            )
        except subprocess.SubprocessError:
            # The node ends the program when it notices that the connection is gone.
            self._ssh.kill()
