"""A terminal that the tap's stderr is, and what a person sees on it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping
from pathlib import Path

from tests.harness import Run, command, environment


class Terminal:
    """A tap that writes its log to a terminal, and its messages to a pipe."""

    def __init__(self, folder: Path, config: Mapping[str, object], columns: int) -> None:
        ours, theirs = pty.openpty()
        self._ours = os.fdopen(ours, encoding="utf-8", newline="")
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.process = subprocess.Popen(
            command(folder, config),
            env=environment(TERM="xterm"),
            stdout=subprocess.PIPE,
            stderr=theirs,
        )
        os.close(theirs)
        self.typed = ""  # all that it has written to the terminal so far

    def read_until(self, words: str) -> None:
        """Read until these words have been written."""
        while words not in self.typed:
            assert self._read(), self.typed

    def finish(self) -> Run:
        """Read to the end: first the log, since the messages fit into their pipe."""
        while self._read():
            pass
        self._ours.close()
        messages, _ = self.process.communicate(timeout=20)
        return Run(self.process.returncode, messages.decode(), "\n".join(self.screen))

    def _read(self) -> bool:
        try:
            read = self._ours.read(1)
        except OSError:  # nobody has the other end open any more
            return False
        self.typed += read
        return bool(read)

    @property
    def screen(self) -> list[str]:
        """The lines that stand there, each as far as it was not written over."""
        lines = []
        for typed in self.typed.split("\n"):
            line = ""
            for written in typed.split("\r"):
                line = written + line[len(written) :]
            lines.append(line.rstrip())
        return lines
