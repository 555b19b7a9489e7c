"""What every provider defines: its settings, its requests and how to read its answers."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from tap_tiktok_following.http.decoding import Unreadable
from tap_tiktok_following.http.transport import unix_of
from tap_tiktok_following.raw import Raw
from tap_tiktok_following.text import clean
from tap_tiktok_following.verdicts import Refused, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk import typing as th

    from tap_tiktok_following.http.transport import Exchange, Request
    from tap_tiktok_following.model import Page, TokenGrant
    from tap_tiktok_following.verdicts import Rule

MAX_WORDS = 300
"""Maximum number of characters kept of a provider's message."""

MAX_NAME = 100
"""Maximum number of characters kept of a provider's error code and response ID."""

_MOST_JUDGED = 2000
"""Number of characters of a provider's message that rules search."""


class Provider(ABC):
    """One API that lists which accounts a user follows.

    Attributes:
        name: Its short name, the prefix of its streams and settings.
        key: The field that identifies an account.
        properties: JSON Schema of its own fields, the key first.
        settings: The settings for its credentials.
        credentials: Alternative sets of settings, each of which is enough to log in.
        title: Its name at the start of setting titles.
        called: Its name inside a sentence.
        default_url: The default base URL.
        per_second: The default maximum number of requests per second.
        rate_note: A note on that for the description of the setting.
        rules: The meaning of answers to requests for a page.
        token_rules: The meaning of answers to requests for an access token.

    Args:
        config: The tap's settings, valid.
    """

    name: ClassVar[str]
    key: ClassVar[str]
    properties: ClassVar[th.PropertiesList]
    settings: ClassVar[tuple[th.Property[Any], ...]]
    credentials: ClassVar[tuple[tuple[str, ...], ...]]
    title: ClassVar[str]
    called: ClassVar[str]
    default_url: ClassVar[str]
    per_second: ClassVar[int]
    rate_note: ClassVar[str] = ""
    rules: ClassVar[tuple[Rule, ...]]
    token_rules: ClassVar[tuple[Rule, ...]] = ()

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.url: str = config[self.url_setting()].rstrip("/")

    @classmethod
    def url_setting(cls) -> str:
        """The name of the setting for the base URL."""
        return f"{cls.name}_api_url"

    @classmethod
    def rate_setting(cls) -> str:
        """The name of the setting for the maximum number of requests per second."""
        return f"{cls.name}_requests_per_second"

    @classmethod
    def budget_setting(cls) -> str:
        """The name of the setting for the maximum number of requests per run."""
        return f"{cls.name}_max_requests"

    @classmethod
    def is_configured(cls, config: Mapping[str, Any]) -> bool:
        """Whether the config contains its credentials."""
        return any(all(config.get(name) for name in names) for names in cls.credentials)

    @abstractmethod
    def page_request(
        self, username: str, cursor: int | None, count: int, token: str
    ) -> Request:
        """The request for one page.

        Args:
            username: The username whose list it is.
            cursor: Unix seconds, inclusive: the newest follow to list; None for the newest
                page.
            count: Maximum number of accounts, 1 to 100.
            token: The access token; "" for a provider without tokens.
        """

    def read_page(self, exchange: Exchange) -> Page:
        """The page in an answer.

        Raises:
            Refused: If the answer holds none.
        """
        try:
            return self._page(exchange)
        except Unreadable as unreadable:
            raise self._unreadable(self.rules, exchange) from unreadable

    @abstractmethod
    def _page(self, exchange: Exchange) -> Page:
        """The page in an answer.

        Raises:
            Refused: If the answer says that it holds none.
            Unreadable: If it can't be read.
        """

    def token_request(self) -> Request | None:
        """The request for an access token; None for a provider without tokens."""
        return None

    def read_token(self, exchange: Exchange) -> TokenGrant:
        """The access token in an answer.

        Raises:
            Refused: If the answer holds none.
        """
        try:
            return self._grant(exchange)
        except Unreadable as unreadable:
            raise self._unreadable(self.token_rules, exchange) from unreadable

    def _grant(self, exchange: Exchange) -> TokenGrant:
        """The access token in an answer.

        Raises:
            Refused: If the answer says that it holds none.
            Unreadable: If it can't be read.
        """
        raise NotImplementedError

    @abstractmethod
    def quota_left(self, headers: Mapping[str, str]) -> int | None:
        """Requests left according to the headers of an answer; None if they do not say."""

    @abstractmethod
    def quota_resets_in(self, headers: Mapping[str, str], now: float) -> float | None:
        """Seconds until the quota resets; None if it is not known.

        Args:
            headers: The headers of the refusal.
            now: Unix seconds by the provider's clock.
        """

    def _unreadable(self, rules: Iterable[Rule], exchange: Exchange) -> Refused:
        return self._refused(rules, exchange, words="the answer could not be read")

    def _refused(
        self,
        rules: Iterable[Rule],
        exchange: Exchange,
        code: str = "",
        words: str = "",
        reference: str = "",
    ) -> Refused:
        """The refusal that an answer without a page or token means.

        Args:
            rules: The table of rules to judge it by.
            exchange: The answer.
            code: The provider's error code, or "".
            words: The provider's message, or "".
            reference: The provider's ID of the response, with its name, or "".
        """
        rule = judge(rules, exchange.status, code[:MAX_NAME], words[:_MOST_JUDGED])
        said = (clean(code, MAX_NAME), clean(words, MAX_WORDS))
        wait = retry_after(exchange)
        if rule.verdict is Verdict.QUOTA_SPENT and wait is None:
            now = exchange.date or time.time()
            wait = self.quota_resets_in(exchange.headers, now)
        return Refused(
            rule.verdict,
            ", ".join(
                filter(None, (f"HTTP {exchange.status}", ": ".join(filter(None, said))))
            ),
            reference=reference,
            happened=rule.happened,
            advice=rule.advice,
            retry_after=wait,
            answered_at=exchange.date,
            as_of=exchange.as_of,
            came_at=exchange.came_at,
            raw=Raw(exchange.status, exchange.body),
        )


def numbered(name: str, number: object) -> str:
    """A provider's ID of a response, with its name; "" if there is none."""
    return f"{name} {clean(str(number), MAX_NAME)}" if number else ""


def retry_after(exchange: Exchange) -> float | None:
    """Seconds to wait according to `Retry-After` (seconds or a date); never negative.

    A date is compared with the provider's own clock, so a wrong local clock does no harm.
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
