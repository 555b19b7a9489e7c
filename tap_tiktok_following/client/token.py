"""One access token for all workers of a provider."""

from __future__ import annotations

import time
from threading import Condition
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_tiktok_following.model import TokenGrant

FRESH = 0.9
"""The share of its lifetime after which a token is renewed."""


class Token:
    """A token that one worker fetches while the others wait for it.

    Args:
        fetch: Requests a token from the provider. An exception reaches only the worker that
            fetches; the next one tries again.
    """

    def __init__(self, fetch: Callable[[], TokenGrant]) -> None:
        self._fetch = fetch
        self._value = ""
        self._good_until = 0.0
        self._fetching = False
        self._changed = Condition()

    def get(self, rejected: str = "") -> str:
        """The token; it is fetched if there is none or if it is about to expire.

        Args:
            rejected: A token that the provider no longer accepts; another one is returned.
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
        # The lock is not held during the request.
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
