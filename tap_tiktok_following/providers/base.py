"""What a provider has to tell about itself."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from tap_tiktok_following.http.transport import unix_of
from tap_tiktok_following.redaction import redact
from tap_tiktok_following.verdicts import Refused, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk import typing as th

    from tap_tiktok_following.http.transport import Exchange, Request
    from tap_tiktok_following.model import Page, TokenGrant
    from tap_tiktok_following.verdicts import Rule

MAX_WORDS = 300
"""Characters of a provider's message that are kept."""


class Provider(ABC):
    """One API that lists whom a user follows.

    Attributes:
        name: Its short name: prefix of its streams and settings.
        key: The field that tells accounts apart.
        properties: JSON Schema of its own fields, the key first.
        credentials: Its credentials as alternatives: sets of settings that serve together.

    Args:
        config: The tap's settings, valid.
    """

    name: ClassVar[str]
    key: ClassVar[str]
    properties: ClassVar[th.PropertiesList]
    credentials: ClassVar[tuple[tuple[str, ...], ...]]

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.url: str = config[f"{self.name}_api_url"].rstrip("/")

    @classmethod
    def is_configured(cls, config: Mapping[str, Any]) -> bool:
        """Whether the config holds the credentials."""
        return any(all(config.get(name) for name in names) for names in cls.credentials)

    @abstractmethod
    def page_request(
        self, username: str, cursor: int | None, count: int, token: str
    ) -> Request:
        """The request for one page.

        Args:
            username: Whose list.
            cursor: Unix seconds; accounts followed at it or before come; None for the newest.
            count: How many accounts at most, 1 to 100.
            token: The access token; "" with a provider that has none.
        """

    @abstractmethod
    def read_page(self, exchange: Exchange) -> Page:
        """The page in an answer.

        Raises:
            Refused: If the answer holds none.
        """

    def token_request(self) -> Request | None:
        """The request for an access token; None with a provider that needs none."""
        return None

    def read_token(self, exchange: Exchange) -> TokenGrant:
        """The access token in an answer.

        Raises:
            Refused: If the answer holds none.
        """
        raise NotImplementedError

    @abstractmethod
    def quota_left(self, headers: Mapping[str, str]) -> int | None:
        """How many requests are left, by an answer's headers; None where they don't say."""

    @abstractmethod
    def quota_resets_in(self, headers: Mapping[str, str], now: float) -> float | None:
        """Seconds until the quota resets; None where nobody knows.

        Args:
            headers: The headers of the answer that refused.
            now: Unix seconds by the provider's clock.
        """


def refused(
    rules: Iterable[Rule],
    exchange: Exchange,
    code: str = "",
    words: str = "",
    reference: str = "",
) -> Refused:
    """An answer without a page, judged by a provider's table.

    Args:
        rules: The table.
        exchange: The answer.
        code: The provider's error code, where it gives one.
        words: The provider's message, where it gives one.
        reference: The provider's own number for the answer, with its name.
    """
    # Redacted before it is cut: a part of a secret is one that nothing would recognise.
    words_kept = redact(" ".join(words.split()))[:MAX_WORDS]
    said = ": ".join(filter(None, (redact(code), words_kept)))
    return Refused(
        judge(rules, exchange.status, code, words),
        ", ".join(filter(None, (f"HTTP {exchange.status}", said))),
        reference=redact(reference),
        retry_after=retry_after(exchange),
        answered_at=exchange.date,
    )


def retry_after(exchange: Exchange) -> float | None:
    """Seconds that `Retry-After` asks to wait, from either of its forms; never negative.

    A date is compared with the provider's own clock, so a wrong local one does not matter.
    """
    value = exchange.headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        moment = unix_of(value)
        if moment is None:
            return None
        seconds = moment - (exchange.date or time.time())
    return max(0.0, seconds) if seconds == seconds else None  # noqa: PLR0124 - not NaN
