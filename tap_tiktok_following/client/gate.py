"""The gate that every request of one provider passes: rate, pause, budget, stop."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from threading import Condition

from tap_tiktok_following.verdicts import Verdict

WINDOW = 1.02
"""Length of the rate limit's window in seconds.

A little more than a second, because the provider counts requests when they arrive, and some
travel faster than others.
"""


@dataclass(frozen=True)
class Halt:
    """Why a provider's stream ends before its work is done.

    Attributes:
        verdict: What stopped it.
        reason: What happened, to be shown to the user.
        advice: What the user can do; "" for the verdict's own text.
    """

    verdict: Verdict
    reason: str
    advice: str = ""

    @property
    def sentence(self) -> str:
        """What happened and what to do about it, without a full stop."""
        return f"{self.reason}: {self.advice or self.verdict.advice}"


class Stopped(Exception):  # noqa: N818 - not an error: no further request may be sent
    """The gate is closed; the text tells the user why."""


class Gate:
    """Lets the requests of all workers through, one by one.

    Attributes:
        halt: Why the gate is closed; None while it is open.
        requests: Number of requests that have passed.
        resting: Number of workers that wait to retry.

    Args:
        per_second: Maximum number of requests in any one second.
        max_requests: Maximum number of requests in this run; None for no limit.
        budget: The name of the setting behind `max_requests`, for the message.
    """

    def __init__(self, per_second: int, max_requests: int | None, budget: str) -> None:
        self.halt: Halt | None = None
        self.requests = 0
        self.resting = 0
        self._max_requests = max_requests
        self._budget = budget
        self._sent: deque[float] = deque(maxlen=per_second)
        self._paused_until = 0.0
        self._changed = Condition()

    def enter(self, *, counted: bool = True) -> None:
        """Wait until one request may be sent.

        Args:
            counted: Whether the user pays for it.

        Raises:
            Stopped: If no request may be sent any more.
        """
        with self._changed:
            while (wait := self._time_to_wait(counted=counted)) > 0:
                self._changed.wait(wait)
            self.requests += counted

    def pause(self, seconds: float) -> None:
        """Let no request through for a number of seconds from now."""
        with self._changed:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def rest(self, seconds: float) -> None:
        """Wait before a retry.

        Args:
            seconds: How long, unless the gate closes earlier.

        Raises:
            Stopped: If the gate is closed or closes meanwhile.
        """
        with self._changed:
            self.resting += 1
            self._changed.wait_for(lambda: self.halt is not None, seconds)
            self.resting -= 1
            self._check()

    @property
    def pause_left(self) -> float:
        """Seconds until requests pass again; 0 or less if there is no pause."""
        return self._paused_until - time.monotonic()

    def stop(self, halt: Halt) -> Halt:
        """Close the gate and end all waits.

        Returns:
            Why it is closed, which is the first reason given.
        """
        with self._changed:
            return self._close(halt)

    def _check(self) -> None:
        if self.halt is not None:
            raise Stopped(self.halt.reason)

    def _time_to_wait(self, *, counted: bool) -> float:
        is_spent = self._max_requests is not None and self.requests >= self._max_requests
        if counted and is_spent:
            reason = f"`{self._budget}` ({self._max_requests}) is reached"
            self._close(Halt(Verdict.BUDGET_SPENT, reason))
        self._check()
        now = time.monotonic()
        if now < self._paused_until:
            return self._paused_until - now
        if len(self._sent) == self._sent.maxlen and now < (free := self._sent[0] + WINDOW):
            return free - now
        self._sent.append(now)
        return 0

    def _close(self, halt: Halt) -> Halt:
        if self.halt is None:
            self.halt = halt
            self._changed.notify_all()
        return self.halt
