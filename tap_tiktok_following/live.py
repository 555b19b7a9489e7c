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
"""Where a terminal does not say how wide it is."""


class Part(NamedTuple):
    """A part of the line.

    Attributes:
        weight: How much it matters: where there is no room for all, the least goes first.
        text: What it says.
    """

    weight: int
    text: str


class LiveLine:
    """A line that a thread of its own keeps up to date, with the log undisturbed above it.

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
        """Show the line, if a person watches stderr and nothing else is written there."""
        if self.is_on or not is_terminal() or sys.stdout.isatty():
            return
        # Most runs have no terminal.
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
        """Take the line away."""
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
    """How wide the terminal behind stderr is."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or COLUMNS
    except OSError:
        return COLUMNS


def fitted(parts: Iterable[Part], columns: int) -> str:
    """The parts in their order, without those that there is no room for."""
    kept = list(parts)
    while len(line := ", ".join(part.text for part in kept)) > columns and len(kept) > 1:
        kept.remove(min(kept, key=lambda part: part.weight))
    return line[: max(columns, 0)]
