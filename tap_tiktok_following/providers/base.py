"""What every provider defines: its settings, its requests and how to read its responses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec
import requests
from singer_sdk import typing as th
from typing_extensions import override

from tap_tiktok_following.decoding import MAX_KEY, AccountsReader, Unreadable
from tap_tiktok_following.errors import (
    STATUSES,
    Failed,
    NoPage,
    ProviderDown,
    QuotaUsedUp,
    Rule,
    SlowDown,
    Transient,
)
from tap_tiktok_following.http import unix_of
from tap_tiktok_following.model import Page, RawResponse, TokenGrant
from tap_tiktok_following.text import clean, to_the_minute

MAX_WAIT = 5 * 60  # seconds; if a provider asks for a longer wait, its stream ends
MAX_MESSAGE = 300  # number of characters of a provider's message that are searched and shown


class APIError(msgspec.Struct):
    """An error as both APIs describe it."""

    code: str | int | None = None
    message: str | None = None
    log_id: str | int | None = None


class Provider(ABC):
    """One API that lists which accounts a user follows, and the settings for it."""

    name: ClassVar[str]  # prefix of its streams and settings
    title: ClassVar[str]  # at the start of the titles of settings
    called: ClassVar[str]  # inside a sentence
    # Fields of an account, the key first: name, type, description.
    fields: ClassVar[tuple[tuple[str, type[th.JSONTypeHelper[Any]], str], ...]]
    # Settings for its credentials: name, whether it is a secret, description.
    settings: ClassVar[tuple[tuple[str, bool, str], ...]]
    credentials: ClassVar[tuple[tuple[str, ...], ...]]  # each set of settings is enough
    default_url: ClassVar[str]
    per_second: ClassVar[int]  # default maximum number of requests
    rate_note: ClassVar[str] = ""  # on that, for the description of the setting
    rules: ClassVar[tuple[Rule, ...]]  # for responses without a page; `STATUSES` follow

    # What follows from these.
    url_setting: ClassVar[str]
    rate_setting: ClassVar[str]
    budget_setting: ClassVar[str]
    key: ClassVar[str]
    properties: ClassVar[th.PropertiesList]
    accounts: ClassVar[AccountsReader]

    @override
    def __init_subclass__(cls) -> None:
        cls.url_setting = f"{cls.name}_api_url"
        cls.rate_setting = f"{cls.name}_requests_per_second"
        cls.budget_setting = f"{cls.name}_max_requests"
        (cls.key, _, about_key), *others = cls.fields
        key_type = th.StringType(max_length=MAX_KEY)
        cls.properties = th.PropertiesList(
            th.Property(cls.key, key_type, required=True, description=about_key),
            *(th.Property(name, kind, description=about) for name, kind, about in others),
        )
        cls.accounts = AccountsReader(cls.properties)

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.url: str = config[self.url_setting].rstrip("/")
        self._config = config

    @classmethod
    def is_configured(cls, config: Mapping[str, Any]) -> bool:
        """Whether the config contains its credentials."""
        return any(all(config.get(name) for name in names) for names in cls.credentials)

    @abstractmethod
    def page_request(
        self, username: str, cursor: int | None, count: int, token: str
    ) -> requests.Request:
        """Return the request for one page of the list of `username`.

        The page lists at most `count` accounts (1 to 100) that were followed at or before
        `cursor` (Unix seconds; None for the newest). `token` is "" without access tokens.
        """

    def read_page(self, response: RawResponse) -> Page:
        """Return the page in a response, which may be a stored one.

        Raises:
            NoPage: If the response contains none.
        """
        try:
            return self._page(response)
        except Unreadable as error:
            raise self._error(self.rules, response, message=error.message) from error

    @abstractmethod
    def _page(self, response: RawResponse) -> Page:
        """Return the page in a response; raise `NoPage` or `Unreadable` if there is none."""

    def token_request(self) -> requests.Request | None:
        """Return the request for an access token; None for a provider without tokens."""
        return None

    def read_token(self, response: RawResponse) -> TokenGrant:
        """Return the access token in a response; raise `NoPage` if there is none."""
        raise NotImplementedError

    def quota_left(self, headers: Mapping[str, str]) -> int | None:  # noqa: ARG002 - by default
        """Return the number of requests left; None if the headers do not say."""
        return None

    def quota_resets_in(self, response: RawResponse) -> float | None:  # noqa: ARG002
        """Return the seconds until the quota resets; None if that is unknown."""
        return None

    def _error(
        self,
        rules: Iterable[Rule],
        response: RawResponse,
        code: str = "",
        message: str = "",
        reference: str = "",
    ) -> NoPage:
        """Return the exception for a response without a page or token, by its first rule."""
        code, message, wait = clean(code), clean(message, MAX_MESSAGE), retry_after(response)
        given = response.status, code, message
        make = next((rule.error for rule in (*rules, *STATUSES) if rule.fits(*given)), Failed)
        words = ": ".join(filter(None, (code, message)))
        details = ", ".join(filter(None, (f"HTTP {response.status}", words)))
        error = make(details, reference=reference, retry_after=wait, response=response)
        if isinstance(error, QuotaUsedUp):
            wait = self.quota_resets_in(response) if wait is None else wait
            if wait is not None:
                error.happened += f"; it resets at {_later(response, wait)}"
        elif isinstance(error, Transient) and wait is not None and wait > MAX_WAIT:
            until = _later(response, wait)
            if isinstance(error, SlowDown):
                happened = f"the provider asks to wait until {until}"
                return QuotaUsedUp(details, happened=happened, reference=reference)
            happened = f"the provider is down and asks to wait until {until}"
            return ProviderDown(details, happened=happened, reference=reference)
        return error


def _later(response: RawResponse, seconds: float) -> str:
    """Return the time so many seconds later, by the provider's clock; at most 30 years."""
    return to_the_minute(response.until + min(seconds, 1e9))


def numbered(name: str, number: object) -> str:
    """Return a provider's ID of a response, with its name; "" if there is none."""
    return f"{name} {clean(str(number))}" if number else ""


def retry_after(response: RawResponse) -> float | None:
    """Return the seconds to wait by `Retry-After` (seconds or a date); never negative.

    A date is compared with the provider's own clock, so a wrong local clock does no harm.
    """
    value = response.headers.get("Retry-After", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        moment = unix_of(value)
        return None if moment is None else max(0.0, moment - response.until)
