"""A provider's quota and rate: how many requests it answers in a day and in a second."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from sandbox.clock import DAY

if TYPE_CHECKING:
    from sandbox.api import Answer, ListApi


class Limits:
    """Counts the requests of one provider.

    Args:
        api: The provider, which has its own words for what is too much.
    """

    def __init__(self, api: ListApi) -> None:
        self._api = api
        self._day = 0
        self._used = 0
        self._last_second: deque[float] = deque()

    def refusal(self) -> Answer | None:
        """Count a request; the provider's answer if it is one too many."""
        if self._quota_spent():
            return self._api.quota_spent()
        if self._too_fast():
            answer = self._api.too_fast()
            if self._api.stage.scenario.retry_after is not None:
                answer.headers["retry-after"] = self._api.stage.scenario.retry_after
            return answer
        self._used += 1
        self._last_second.append(time.monotonic())
        return None

    def left(self) -> int | None:
        """How many requests the quota still allows; None where there is no quota."""
        quota = self._api.stage.scenario.quota
        return None if quota is None else max(0, quota - self._used)

    def _quota_spent(self) -> bool:
        day = int(self._api.stage.clock.now()) // DAY
        if day != self._day:
            self._day, self._used = day, 0
        quota = self._api.stage.scenario.quota
        return quota is not None and self._used >= quota

    def _too_fast(self) -> bool:
        # The real clock counts here: a rate is about the network, and a clock that stands
        # still would never let another request pass.
        while self._last_second and time.monotonic() - self._last_second[0] >= 1:
            self._last_second.popleft()
        rate = self._api.stage.scenario.rate
        return rate is not None and len(self._last_second) >= rate
