"""What every provider defines: its settings, its requests and how to read its responses."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_tiktok_following.decoding import AccountsReader, Unreadable
from tap_tiktok_following.errors import QuotaUsedUp, Transient, find_rule, long_wait
from tap_tiktok_following.http import unix_of
from tap_tiktok_following.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import requests
    from singer_sdk import typing as th

    from tap_tiktok_following.errors import NoPage, Rule
    from tap_tiktok_following.model import Page, RawResponse, TokenGrant

MAX_WAIT = 5 * 60
"""Seconds; if a provider asks for a longer wait, its stream ends."""

MAX_MESSAGE = 300
"""Maximum number of characters shown of a provider's message."""

MAX_NAME = 100
"""Maximum number of characters shown of a provider's error code and response ID."""

_MAX_SEARCHED = 2000
"""Number of characters of a provider's message that rules search."""


class Provider(ABC):
    """One API that lists which accounts a user follows.

    Attributes:
        name: Its short name, the prefix of its streams and settings.
        key: The field that identifies an account.
        properties: JSON Schema of its own fields, the key first.
        accounts: Decodes accounts with these fields.
        settings: The settings for its credentials.
        credentials: Alternative sets of settings, each of which is enough to log in.
        title: Its name at the start of setting titles.
        called: Its name inside a sentence.
        default_url: The default base URL.
        per_second: The default maximum number of requests per second.
        rate_note: A note on that for the description of the setting.
        rules: The meaning of responses to requests for a page.
        token_rules: The meaning of responses to requests for an access token.

    Args:
        config: The tap's settings, valid.
    """

    name: ClassVar[str]
    key: ClassVar[str]
    properties: ClassVar[th.PropertiesList]
    accounts: ClassVar[AccountsReader]
    settings: ClassVar[tuple[th.Property[Any], ...]]
    credentials: ClassVar[tuple[tuple[str, ...], ...]]
    title: ClassVar[str]
    called: ClassVar[str]
    default_url: ClassVar[str]
    per_second: ClassVar[int]
    rate_note: ClassVar[str] = ""
    rules: ClassVar[tuple[Rule, ...]]
    token_rules: ClassVar[tuple[Rule, ...]] = ()

    @override
    def __init_subclass__(cls) -> None:
        cls.accounts = AccountsReader(cls.properties)

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.url: str = config[self.url_setting()].rstrip("/")

    @classmethod
    def url_setting(cls) -> str:
        """Return the name of the setting for the base URL."""
        return f"{cls.name}_api_url"

    @classmethod
    def rate_setting(cls) -> str:
        """Return the name of the setting for the maximum number of requests per second."""
        return f"{cls.name}_requests_per_second"

    @classmethod
    def budget_setting(cls) -> str:
        """Return the name of the setting for the maximum number of requests per run."""
        return f"{cls.name}_max_requests"

    @classmethod
    def is_configured(cls, config: Mapping[str, Any]) -> bool:
        """Whether the config contains its credentials."""
        return any(all(config.get(name) for name in names) for names in cls.credentials)

    @abstractmethod
    def page_request(
        self, username: str, cursor: int | None, count: int, token: str
    ) -> requests.Request:
        """Return the request for one page.

        Args:
            username: The username whose list it is.
            cursor: Unix seconds, inclusive: the newest follow to list; None for the newest
                page.
            count: Maximum number of accounts, 1 to 100.
            token: The access token; "" for a provider without tokens.
        """

    def read_page(self, response: RawResponse) -> Page:
        """Return the page in a response, which may be a stored one.

        Raises:
            NoPage: If the response contains none.
        """
        try:
            return self._page(response)
        except Unreadable as error:
            raise self._unreadable(self.rules, response) from error

    @abstractmethod
    def _page(self, response: RawResponse) -> Page:
        """Return the page in a response.

        Raises:
            NoPage: If the response says that it contains none.
            Unreadable: If it cannot be read.
        """

    def token_request(self) -> requests.Request | None:
        """Return the request for an access token; None for a provider without tokens."""
        return None

    def read_token(self, response: RawResponse) -> TokenGrant:
        """Return the access token in a response.

        Raises:
            NoPage: If the response contains none.
        """
        try:
            return self._grant(response)
        except Unreadable as error:
            raise self._unreadable(self.token_rules, response) from error

    def _grant(self, response: RawResponse) -> TokenGrant:
        """Return the access token in a response.

        Raises:
            NoPage: If the response says that it contains none.
            Unreadable: If it cannot be read.
        """
        raise NotImplementedError

    def quota_left(self, headers: Mapping[str, str]) -> int | None:  # noqa: ARG002 - by default
        """Return the number of requests left; None if the headers do not say."""
        return None

    def quota_resets_in(self, response: RawResponse) -> float | None:  # noqa: ARG002
        """Return the seconds until the quota resets; None if that is unknown."""
        return None

    def _unreadable(self, rules: Iterable[Rule], response: RawResponse) -> NoPage:
        return self._error(rules, response, message="the response could not be read")

    def _error(
        self,
        rules: Iterable[Rule],
        response: RawResponse,
        code: str = "",
        message: str = "",
        reference: str = "",
    ) -> NoPage:
        """Return the exception for a response without a page or token.

        Args:
            rules: The table of rules that say what it means.
            response: The response.
            code: The provider's error code, or "".
            message: The provider's message, or "".
            reference: The provider's ID of the response, with its name, or "".
        """
        rule = find_rule(rules, response.status, code[:MAX_NAME], message[:_MAX_SEARCHED])
        wait = retry_after(response)
        if wait is None and issubclass(rule.error, QuotaUsedUp):
            wait = self.quota_resets_in(response)
        words = ": ".join(filter(None, (clean(code, MAX_NAME), clean(message, MAX_MESSAGE))))
        error = rule.error(
            ", ".join(filter(None, (f"HTTP {response.status}", words))),
            happened=rule.happened,
            advice=rule.advice,
            reference=reference,
            retry_after=wait,
            response=response,
        )
        if isinstance(error, QuotaUsedUp) and error.retry_at:
            error.happened += f"; it resets at {error.retry_at}"
        if isinstance(error, Transient) and wait is not None and wait > MAX_WAIT:
            return long_wait(error)
        return error


def numbered(name: str, number: object) -> str:
    """Return a provider's ID of a response, with its name; "" if there is none."""
    return f"{name} {clean(str(number), MAX_NAME)}" if number else ""


def retry_after(response: RawResponse) -> float | None:
    """Return the seconds to wait by `Retry-After` (seconds or a date); never negative.

    A date is compared with the provider's own clock, so a wrong local clock does no harm.
    """
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        moment = unix_of(value)
        if moment is None:
            return None
        seconds = moment - response.until
    return None if math.isnan(seconds) else max(0.0, seconds)
