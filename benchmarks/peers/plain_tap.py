"""A tap as singer-sdk's template makes it: one partition per username."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import requests
from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import OAuthAuthenticator, SingletonMeta
from singer_sdk.helpers.types import Auth
from singer_sdk.pagination import BaseAPIPaginator
from singer_sdk.streams import RESTStream
from singer_sdk.streams.rest import HTTPRequest, PageContext
from typing_extensions import override


class ClientAccessToken(OAuthAuthenticator, metaclass=SingletonMeta):
    """The Research API's client access token."""

    @override
    @property
    def oauth_request_body(self) -> dict[str, str | None]:
        return {
            "client_key": self.client_id,
            "client_secret": self.client_secret,
            "grant_type": "client_credentials",
        }


class CursorPaginator(BaseAPIPaginator[int | None]):
    """Goes from cursor to cursor while there is more."""

    @override
    def get_next(self, response: requests.Response) -> int | None:
        data = response.json()["data"]
        return data["cursor"] if data["has_more"] else None


class FollowingStream(RESTStream[int | None]):
    """Who each username follows. No replication key: the API has no time of a follow."""

    name = "following"
    path = "/v2/research/user/following/"
    http_method = "POST"
    records_jsonpath = "$.data.user_following[*]"
    primary_keys = ("follower_username", "username")
    schema: ClassVar = th.PropertiesList(
        th.Property("follower_username", th.StringType),
        th.Property("username", th.StringType),
        th.Property("display_name", th.StringType),
    ).to_dict()

    @override
    @property
    def url_base(self) -> str:
        return str(self.config["research_api_url"])

    @override
    @property
    def partitions(self) -> list[dict[str, Any]]:
        return [{"follower_username": name} for name in self.config["usernames"]]

    @override
    @cached_property
    def authenticator(self) -> Auth:
        return ClientAccessToken(
            client_id=self.config["research_client_key"],
            client_secret=self.config["research_client_secret"],
            auth_endpoint=f"{self.url_base}/v2/oauth/token/",
            oauth_headers={"Cache-Control": "no-cache"},
        )

    @override
    def get_new_paginator(self) -> CursorPaginator:
        return CursorPaginator(None)

    @override
    def get_http_request(self, *, page: PageContext[Any]) -> HTTPRequest:
        request = super().get_http_request(page=page)
        username = page.stream_context["follower_username"] if page.stream_context else None
        request.data = {"username": username, "max_count": 100}
        if page.next_page_token is not None:
            request.data["cursor"] = page.next_page_token
        return request


class PlainTap(Tap):
    """Singer tap for the Research API's following lists."""

    name = "tap-plain"
    config_jsonschema: ClassVar = th.PropertiesList(
        th.Property("research_client_key", th.StringType, required=True, secret=True),
        th.Property("research_client_secret", th.StringType, required=True, secret=True),
        th.Property("research_api_url", th.StringType, required=True),
        th.Property("usernames", th.ArrayType(th.StringType), required=True),
    ).to_dict()

    @override
    def discover_streams(self) -> list[FollowingStream]:
        return [FollowingStream(self)]


if __name__ == "__main__":
    PlainTap.cli()
