"""stdout and stderr, which may be slow, non-blocking, full or closed."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import sys
import time
from typing import TYPE_CHECKING

from tap_tiktok_following.errors import Ended

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

AT_ONCE = getattr(select, "PIPE_BUF", 4096)
"""Bytes that a write to a pipe transfers completely or not at all."""

LAST_STANDARD_FD = 2

POLL_EVERY = 0.01
"""Seconds between two tries on Windows, where a program cannot wait for a pipe."""


def write_some(fd: int, data: Buffer) -> int:
    """Write to a file descriptor as `os.write` does, waiting where it does not block."""
    while True:
        with contextlib.suppress(BlockingIOError):
            return os.write(fd, data)
        _wait(fd)


def is_writable(fd: int) -> bool:
    """Whether a file descriptor accepts data now; True on systems that cannot tell."""
    if not hasattr(select, "poll"):
        return True
    return bool(_poll(fd).poll(0))


def prepare() -> None:
    """Make stderr wait while it is full, and keep closed descriptors from being reused."""
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


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Write to stdout in this context; its buffer is flushed at the end.

    Raises:
        Ended: If stdout cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:  # what has to be printed does not fit
            raise Ended(_in_words(error)) from None
        raise
    finally:
        if sys.stdout is not None:
            with contextlib.suppress(ValueError), told():
                sys.stdout.flush()


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn an error of writing to stdout into the end of the run.

    Raises:
        Ended: If stdout cannot be written.
    """
    try:
        yield
    except OSError as error:
        # The interpreter flushes stdout once more when it exits, which must not fail.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Ended(_in_words(error)) from None


class _Log(io.FileIO):
    """A stderr whose errors are ignored: a lost log line must not end the run."""

    def write(self, data: Buffer, /) -> int:
        rest = memoryview(data)
        # Data left in a buffer would turn the exit code into 120.
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


def _in_words(error: OSError) -> str:
    if error.errno == errno.EPIPE:
        what = "The target stopped reading"
        advice = "see its log"
    else:
        what = f"Cannot write to stdout ({error.strerror})"
        advice = "free some space, or write elsewhere"
    return f"{what}: {advice}; the next run continues from the last saved state."
