"""stdout and signals: whole lines, states that follow their records, and an end in time."""

from __future__ import annotations

import atexit
import contextlib
import datetime as dt
import errno
import hashlib
import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from functools import cache

from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from singer_sdk.helpers._state import StateWriter as SDKStateWriter
from singer_sdk.helpers.types import Record, TapState
from singer_sdk.singerlib.encoding.simple import Message
from typing_extensions import override

from tap_tiktok_following.errors import RUN_AGAIN, Ended

logger = logging.getLogger(__name__)

BUFFER = 64 * 1024  # bytes that are buffered at most
GRACE = 2.0  # seconds to wait for pages in flight after a signal
ALARM = 4.0  # seconds after a signal in which nothing is written until the process ends
MOST_ALARMS = 15  # until it ends even if the target still reads: a minute
MEBIBYTE = 2**20
MELTANO_BUFFER = 100 * MEBIBYTE  # default `elt.buffer_size`; a line over half ends a run
WARN_FROM = 0.7  # share of that half from which the user is warned

_STDERR = 2
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_writers: list[MessageWriter] = []


@contextlib.contextmanager
def logging_to_stderr() -> Iterator[None]:
    """Log in this context: a log that cannot be written changes no exit code."""
    # A file that is opened later would get the number of a closed stdout or stderr.
    while (fd := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(fd)
    os.set_blocking(_STDERR, True)
    try:
        yield
    finally:
        try:
            if sys.stderr is not None:
                sys.stderr.flush()
        except OSError:
            # The interpreter would flush it once more, and end with exit code 120.
            sys.stderr = None


@contextlib.contextmanager
def writing_to_stdout() -> Iterator[None]:
    """Write to stdout in this context; raise `Ended` if it cannot be written."""
    with _ended_if_unwritable():
        try:
            yield
        finally:
            for writer in _writers:
                writer.flush()
            if sys.stdout is not None:
                sys.stdout.flush()


@contextlib.contextmanager
def _ended_if_unwritable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            what = "The target stopped reading: see its log"
        elif error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}:
            what = f"Cannot write to stdout ({error.strerror}): free space, or write elsewhere"
        else:
            raise
        sys.stdout = None  # as for stderr
        sentence = f"{what}; the next run continues from the last saved state."
        raise Ended(sentence) from None


class MessageWriter(MsgSpecWriter):
    """The SDK's msgspec writer, but flushed on request instead of after every record.

    Raises:
        Ended: If stdout is closed.
    """

    def __init__(self) -> None:
        super().__init__()
        if sys.stdout is None:
            sentence = "stdout is closed: pipe it to a target, or redirect it to a file."
            raise Ended(sentence)
        self.written = 0  # bytes
        self._pending = bytearray()
        self._record_tail = _record_tail()
        _writers.append(self)

    @override
    def write_message(self, message: Message) -> None:
        """Write a message, at the latest at the next `flush`."""
        self._pending += self.format_message(message)
        if len(self._pending) >= BUFFER:
            self.flush()

    def write_record(self, stream: str, record: Record) -> None:
        """Write a RECORD message without making the SDK's message object first.

        `time_extracted` is the time of the last flush, in whole seconds.
        """
        pending = self._pending
        pending += _record_head(stream)
        encoder.encode_into(record, pending, -1)
        pending += self._record_tail
        if len(pending) >= BUFFER:
            self.flush()

    def write_line(self, line: bytearray) -> None:
        """Write an encoded message, at the latest at the next `flush`; it is not copied."""
        self.flush()
        self._pending = line

    def flush(self) -> None:
        """Write everything that is buffered; raise `Ended` if stdout cannot be written."""
        lines, self._pending = self._pending, bytearray()
        self._record_tail = _record_tail()
        if not lines or sys.stdout is None:  # None after an error
            return
        file = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
        view, start = memoryview(lines), 0
        with _ended_if_unwritable():
            while start < len(lines):
                # Whole lines, as many as a pipe takes at once, or a part of a longer one.
                most = start + select.PIPE_BUF
                end = lines.rfind(b"\n", start, most) + 1 or most
                written = file.write(view[start:end])
                if written is None:  # it does not block, and is full
                    select.select([], [file], [])
                else:
                    start += written
                    self.written += written


class StateWriter(SDKStateWriter):
    """Writes a changed state, without the SDK's deep copy: 0.39 s at 10,000 usernames."""

    def __init__(self, message_writer: MessageWriter) -> None:
        super().__init__(message_writer)
        self._writer = message_writer
        self._last = b""  # its hash: a message may have 10 MB
        buffer = os.environ.get("MELTANO_ELT_BUFFER_SIZE", "")
        self._longest = (int(buffer) if buffer.isdecimal() else MELTANO_BUFFER) // 2
        self._has_warned = False

    @override
    def write_state(self, state: TapState) -> None:
        """Write a STATE message if the state has changed, and flush."""
        line = bytearray()
        encoder.encode_into({"type": "STATE", "value": state}, line)
        line += b"\n"
        digest = hashlib.blake2b(line).digest()
        if digest != self._last:
            self._last = digest
            if len(line) >= WARN_FROM * self._longest and not self._has_warned:
                self._has_warned = True
                self._warn(state, len(line))
            self._writer.write_line(line)
        self._writer.flush()

    def _warn(self, state: TapState, size: int) -> None:
        """Warn that the message, of `size` bytes, will soon be too long for Meltano."""
        streams = state.get("bookmarks", {}).values()
        usernames = max((len(stream.get("partitions", ())) for stream in streams), default=0)
        sentence = (
            f"The state of {usernames:,} usernames is {size / MEBIBYTE:,.0f} MiB, and "
            f"Meltano ends a run whose state exceeds {self._longest / MEBIBYTE:,.0f} MiB, "
            f"which is about {usernames * self._longest // size:,} usernames: split them "
            "over several pipelines with `shard`, or set MELTANO_ELT_BUFFER_SIZE to more than "
            "twice the size of the state, in bytes."
        )
        logger.warning("%s", sentence)


class Termination:
    """Whether this run was told to stop by SIGTERM, SIGINT or SIGHUP.

    Called as a signal handler it takes no lock that the main thread could hold and writes
    nothing: it notes the signal and sets an alarm.
    """

    def __init__(self) -> None:
        self.signum = 0  # the first one; 0 before it
        self.name = ""  # its name, such as "SIGTERM"
        self.exit_code = 0  # that shells give it: 143 for SIGTERM, 130 for SIGINT
        self.output: MessageWriter | None = None  # what the run writes to
        self._written = 0
        self._alarms = 0

    @property
    def is_urgent(self) -> bool:
        """Whether to write nothing but a state: a signal came and stdout is full for now."""
        if not self.signum or self.output is None:
            return False
        self.output.flush()
        return not select.select([], [sys.stdout], [], 0)[1]

    def install(self) -> None:
        """Handle the signals; do nothing outside the main thread, where Python forbids it."""
        if threading.current_thread() is not threading.main_thread():
            return
        for signum in _SIGNALS:
            # `nohup` ignores SIGHUP, so that the run outlives its terminal.
            if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:
                signal.signal(signum, self)
        atexit.register(_ignore_signals)

    def __call__(self, signum: int, _: object) -> None:
        """Note the signal without raising: a message may be partly written."""
        if not self.signum:
            self.signum, self.exit_code = signum, 128 + signum
            self.name = signal.Signals(signum).name
            self._written = self.output.written if self.output else 0
            # An alarm ends a blocked write too, and needs no thread that could be starved.
            signal.signal(signal.SIGALRM, lambda *_: self._end())
            signal.setitimer(signal.ITIMER_REAL, ALARM, ALARM)

    def _end(self) -> None:
        """End the process, but not while the target reads the last rows and the state."""
        self._alarms += 1
        before, self._written = self._written, self.output.written if self.output else 0
        if self._written > before and self._alarms < MOST_ALARMS:
            return
        sentence = f"Stopped by {self.name} before everything was finished: {RUN_AGAIN}.\n"
        with contextlib.suppress(OSError):
            if select.select([], [_STDERR], [], 0)[1]:  # a blocked stderr would hang here too
                os.write(_STDERR, sentence.encode())
        os._exit(self.exit_code)


@cache
def _record_head(stream: str) -> bytes:
    """The start of a RECORD message, before its record."""
    return b'{"type":"RECORD","stream":%b,"record":' % encoder.encode(stream)


def _record_tail() -> bytes:
    """The end of a RECORD message, after its record, with the current time."""
    now = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
    return b',"time_extracted":%b}\n' % encoder.encode(now)


def _ignore_signals() -> None:
    """Ignore signals from now on: the run is over and its exit code is known.

    When Python exits it removes the handlers, and an alarm would then kill it.
    """
    for signum in _SIGNALS:
        signal.signal(signum, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
