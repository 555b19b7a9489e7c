"""REST client handling, as in the template."""

from __future__ import annotations

import decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers.jsonpath import extract_jsonpath
from singer_sdk.pagination import BaseAPIPaginator
from singer_sdk.streams import RESTStream
from typing_extensions import override

from benchmarks.plain_tap.auth import PlainAuthenticator

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.helpers.types import Auth
    from singer_sdk.streams.rest import HTTPRequest, PageContext


class CursorPaginator(BaseAPIPaginator[int | None]):
    """Goes from cursor to cursor while there is more."""

    @override
    def get_next(self, response: requests.Response) -> int | None:
        data = response.json()["data"]
        return data["cursor"] if data["has_more"] else None


class PlainStream(RESTStream[int | None]):
    """Stream class of the Research API."""

    http_method = "POST"
    records_jsonpath = "$.data.user_following[*]"

    @override
    @property
    def url_base(self) -> str:
        """The API's URL, a setting."""
        return str(self.config["api_url"])

    @override
    @cached_property
    def authenticator(self) -> Auth:
        """An authenticator object."""
        return PlainAuthenticator(
            client_id=self.config["client_key"],
            client_secret=self.config["client_secret"],
            auth_endpoint=f"{self.url_base}/v2/oauth/token/",
            oauth_headers={"Cache-Control": "no-cache"},
        )

    @override
    def get_new_paginator(self) -> CursorPaginator:
        """A paginator for one username's list."""
        return CursorPaginator(None)

    @override
    def get_http_request(self, *, page: PageContext[Any]) -> HTTPRequest:
        """The request for one page."""
        request = super().get_http_request(page=page)
        username = page.stream_context["follower_username"] if page.stream_context else None
        request.data = {"username": username, "max_count": 100}
        if page.next_page_token is not None:
            request.data["cursor"] = page.next_page_token
        return request

    @override
    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        """The records of one page."""
        yield from extract_jsonpath(
            self.records_jsonpath, input=response.json(parse_float=decimal.Decimal)
        )
