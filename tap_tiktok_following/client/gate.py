"""The gate that every request of one provider passes: rate, pause, budget, stop."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from threading import Condition

from tap_tiktok_following.verdicts import Verdict

WINDOW = 1.02
"""Seconds in which the rate is kept.

A little more than a second: requests do not all travel equally fast, and the provider counts
when they arrive.
"""


@dataclass(frozen=True)
class Halt:
    """Why a provider's stream ends before its work is done.

    Attributes:
        verdict: What stopped it.
        reason: What happened, for a person.
        advice: What to do about it, for a person; "" for the verdict's own words.
    """

    verdict: Verdict
    reason: str
    advice: str = ""

    @property
    def sentence(self) -> str:
        """What happened and what to do about it, without a full stop."""
        return f"{self.reason}: {self.advice or self.verdict.advice}"


class Stopped(Exception):  # noqa: N818 - not an error: no further request may be sent
    """The gate is closed; the text says why, for a person."""


class Gate:
    """Lets requests of all workers through, one by one.

    Attributes:
        halt: Why the gate is closed; None while it is open.
        requests: How many requests have passed.
        resting: How many workers wait to try again.

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
            counted: Whether it is one that the user pays for.

        Raises:
            Stopped: If no request may be sent any more.
        """
        with self._changed:
            while (wait := self._time_to_wait(counted=counted)) > 0:
                self._changed.wait(wait)
            self.requests += counted

    def pause(self, seconds: float) -> None:
        """Let no request through for so many seconds from now."""
        with self._changed:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def rest(self, seconds: float) -> None:
        """Let one worker wait.

        Args:
            seconds: How long, unless the gate closes before.

        Raises:
            Stopped: If the gate is closed, or closes meanwhile.
        """
        with self._changed:
            self.resting += 1
            self._changed.wait_for(lambda: self.halt is not None, seconds)
            self.resting -= 1
            self._check()

    @property
    def pause_left(self) -> float:
        """Seconds for which no request is let through; 0 or less without a pause."""
        return self._paused_until - time.monotonic()

    def stop(self, halt: Halt) -> Halt:
        """Close the gate and end every wait at it.

        Returns:
            Why it is closed: the first reason given stands.
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
