"""One access token for all workers of a provider."""

from __future__ import annotations

import time
from threading import Condition
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_tiktok_following.model import TokenGrant

FRESH = 0.9
"""The part of its life after which a token is renewed."""


class Token:
    """Fetched by the first worker that needs it, while the others wait for it.

    Args:
        fetch: Asks the provider for a token; what it raises reaches that worker alone, and
            the next one tries again.
    """

    def __init__(self, fetch: Callable[[], TokenGrant]) -> None:
        self._fetch = fetch
        self._value = ""
        self._good_until = 0.0
        self._fetching = False
        self._changed = Condition()

    def get(self, rejected: str = "") -> str:
        """The token, fetched if there is none or it grows old.

        Args:
            rejected: A token that the provider no longer accepts: another is returned.
        """
        with self._changed:
            while True:
                fresh = time.monotonic() < self._good_until and self._value != rejected
                if fresh:
                    return self._value
                if not self._fetching:
                    self._fetching = True
                    break
                self._changed.wait()
        return self._renew()

    def _renew(self) -> str:
        # No lock is held while the request is under way.
        grant = None
        try:
            grant = self._fetch()
        finally:
            with self._changed:
                self._fetching = False
                if grant:
                    self._value = grant.value
                    self._good_until = time.monotonic() + FRESH * grant.life
                self._changed.notify_all()
        return grant.value
