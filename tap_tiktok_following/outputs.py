"""stdout and stderr, which may be slow, non-blocking, full or closed."""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

AT_ONCE = getattr(select, "PIPE_BUF", 4096)
"""Bytes that a pipe takes whole or not at all."""

LAST_STANDARD_FD = 2

POLL_EVERY = 0.01
"""Seconds between two tries on Windows, which cannot wait for a pipe."""


def write_some(fd: int, data: Buffer) -> int:
    """Write to a file descriptor as `os.write` does, waiting where it does not block."""
    while True:
        with contextlib.suppress(BlockingIOError):
            return os.write(fd, data)
        _wait(fd)


def is_writable(fd: int) -> bool:
    """Whether a file descriptor takes something now; True where nobody can tell."""
    if not hasattr(select, "poll"):
        return True
    return bool(_poll(fd).poll(0))


def prepare() -> None:
    """Make stderr wait where it is full, and let a closed file descriptor stay unused."""
    # The next file or connection would get the number of one that is closed.
    while (fd := os.open(os.devnull, os.O_RDWR)) <= LAST_STANDARD_FD:
        pass
    os.close(fd)
    if sys.stderr is not None:
        sys.stderr = io.TextIOWrapper(
            _Log(sys.stderr.fileno(), "w", closefd=False),
            encoding=sys.stderr.encoding,
            errors="backslashreplace",
            write_through=True,
        )


def discard_stdout() -> None:
    """Let the interpreter's own flush at exit find somewhere to write to."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Log(io.FileIO):
    """A stderr that costs the run nothing where it cannot be written."""

    def write(self, data: Buffer, /) -> int:
        rest = memoryview(data)
        # Left in a buffer, it would turn the exit code into 120.
        with contextlib.suppress(OSError):
            while rest:
                rest = rest[write_some(self.fileno(), rest) :]
        return memoryview(data).nbytes


def _wait(fd: int) -> None:
    if hasattr(select, "poll"):
        _poll(fd).poll()
    else:
        time.sleep(POLL_EVERY)


def _poll(fd: int) -> select.poll:
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return poll
