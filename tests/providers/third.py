"""A third provider, as a contributor would write it: this file and a line in the registry."""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

import msgspec
import requests
from singer_sdk import typing as th
from typing_extensions import override

from tap_tiktok_following import providers
from tap_tiktok_following.decoding import Reader
from tap_tiktok_following.errors import ERRORS, Rule
from tap_tiktok_following.model import Page, RawResponse
from tap_tiktok_following.providers import Provider


class _Body(msgspec.Struct):
    accounts: msgspec.Raw = msgspec.Raw(b"null")
    older: int | None = None
    problem: str = ""


_BODY = Reader(_Body)


class Third(Provider):
    """A provider that nobody has heard of."""

    name: ClassVar[str] = "third"
    fields = (("handle", th.StringType, "Followed account."),)
    settings = (("third_password", True, "A password."),)
    credentials = (("third_password",),)
    title: ClassVar[str] = "Third"
    called: ClassVar[str] = "the third provider"
    default_url: ClassVar[str] = "https://third.example"
    per_second: ClassVar[int] = 100
    rules: ClassVar[tuple[Rule, ...]] = ERRORS

    @override
    def page_request(
        self, username: str, cursor: int | None, count: int, token: str
    ) -> requests.Request:
        query = {"at": cursor or "", "count": count}
        headers = {"x-password": self._config["third_password"]}
        return requests.Request("GET", f"{self.url}/{username}", headers, params=query)

    @override
    def _page(self, response: RawResponse) -> Page:
        body = _BODY.read(response.body)
        if response.status != HTTPStatus.OK:
            raise self._error(self.rules, response, "error", body.problem)
        accounts = self.accounts.read(body.accounts)
        return Page(accounts, body.older is not None, body.older)


if __name__ == "__main__":
    providers.PROVIDERS = (*providers.PROVIDERS, Third)  # the line in the registry

    from tap_tiktok_following.__main__ import main

    main()
