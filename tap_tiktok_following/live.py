"""One live line on a terminal, below the log: how far the run is."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

REFRESH_EVERY = 0.25
"""Seconds."""

COLUMNS = 80
"""Width of a terminal that does not report one."""


class Part(NamedTuple):
    """A part of the line.

    Attributes:
        weight: Its importance: if the line is too narrow, the least important part goes.
        text: The text.
    """

    weight: int
    text: str


class LiveLine:
    """A line that its own thread keeps up to date, with the log undisturbed above it.

    Attributes:
        is_on: Whether it is shown.

    Args:
        parts: What to show; called by that thread.
    """

    def __init__(self, parts: Callable[[], Iterable[Part]]) -> None:
        self.is_on = False
        self._parts = parts
        self._stopped = threading.Event()
        self._shown = ExitStack()

    def start(self) -> None:
        """Show the line if stderr is a terminal that stdout is not written to as well."""
        if self.is_on or not is_terminal() or sys.stdout.isatty():
            return
        # Imported here because most runs have no terminal.
        from tqdm import tqdm  # noqa: PLC0415
        from tqdm.contrib.logging import logging_redirect_tqdm  # noqa: PLC0415

        self.is_on = True
        line = self._shown.enter_context(
            tqdm(bar_format="{desc}", file=sys.stderr, leave=False)
        )
        self._shown.enter_context(logging_redirect_tqdm())
        thread = threading.Thread(
            target=self._refresh, args=(line.set_description_str,), daemon=True
        )
        self._shown.callback(thread.join)
        self._shown.callback(self._stopped.set)
        thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Remove the line."""
        self._shown.close()
        self.is_on = False

    def _refresh(self, show: Callable[[str], object]) -> None:
        while not self._stopped.wait(REFRESH_EVERY):
            show(fitted(self._parts(), terminal_columns() - 1))


def is_terminal() -> bool:
    """Whether stderr is a terminal on which a line can be written over."""
    return (
        sys.stderr is not None
        and sys.stderr.isatty()
        and os.environ.get("TERM", "dumb") != "dumb"
    )


def terminal_columns() -> int:
    """Width of the terminal behind stderr, in characters."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or COLUMNS
    except OSError:
        return COLUMNS


def fitted(parts: Iterable[Part], columns: int) -> str:
    """The parts in their order, without those that do not fit."""
    kept = list(parts)
    while len(line := ", ".join(part.text for part in kept)) > columns and len(kept) > 1:
        kept.remove(min(kept, key=lambda part: part.weight))
    return line[: max(columns, 0)]
