"""A plain client of both providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

    from sandbox import Sandbox

PROVIDERS = ("research", "rapidapi")


class Client:
    def __init__(self, sandbox: Sandbox, session: requests.Session) -> None:
        self.sandbox = sandbox
        self.session = session
        self.host = sandbox.url.removeprefix("http://")
        self.token = "none yet"

    def fetch_token(self, **changes: str) -> requests.Response:
        form = {
            "client_key": self.sandbox.config["research_client_key"],
            "client_secret": self.sandbox.config["research_client_secret"],
            "grant_type": "client_credentials",
            **changes,
        }
        response = self.session.post(
            f"{self.sandbox.url}/v2/oauth/token/",
            data=form,
            headers={"Cache-Control": "no-cache"},
            timeout=5,
        )
        if response.status_code == 200 and "access_token" in response.text:
            self.token = response.json()["access_token"]
        return response

    def research(self, username: str = "alice", **body: Any) -> requests.Response:
        return self.session.post(
            f"{self.sandbox.url}/v2/research/user/following/",
            json={"username": username, **body},
            headers={"Authorization": f"Bearer {self.token}"},
            allow_redirects=False,
            timeout=5,
        )

    def rapidapi(self, username: str = "alice", **query: str | float) -> requests.Response:
        return self.session.get(
            f"{self.sandbox.url}/api/v1/users/{username}/following",
            params=query,
            headers={
                "x-rapidapi-key": self.sandbox.config["rapidapi_key"],
                "x-rapidapi-host": self.host,
            },
            allow_redirects=False,
            timeout=5,
        )

    def get(
        self,
        provider: str,
        username: str = "alice",
        cursor: int | None = None,
        count: int | None = None,
    ) -> requests.Response:
        names = {"research": ("cursor", "max_count"), "rapidapi": ("max_time", "count")}
        asked = dict(zip(names[provider], (cursor, count), strict=True))
        given = {name: value for name, value in asked.items() if value is not None}
        call = self.research if provider == "research" else self.rapidapi
        return call(username, **given)

    def page(
        self,
        provider: str,
        username: str = "alice",
        cursor: int | None = None,
        count: int | None = None,
    ) -> Page:
        response = self.get(provider, username, cursor, count)
        assert response.status_code == 200, response.text
        return Page(provider, response.json())

    def pages(self, provider: str, username: str, count: int | None = None) -> list[Page]:
        """Return all pages of a list, until `has_more` is false."""
        pages = [self.page(provider, username, count=count)]
        while pages[-1].has_more:
            pages.append(self.page(provider, username, pages[-1].cursor, count))
        return pages


class Page:
    def __init__(self, provider: str, payload: dict[str, Any]) -> None:
        if provider == "research":
            paging, accounts = payload["data"], payload["data"]["user_following"]
            self.cursor = paging["cursor"]
        else:
            paging, accounts = payload["pagination"], payload["data"]
            self.cursor = paging["next_max_time"]
        self.has_more = paging["has_more"]
        self.usernames = [account["username"] for account in accounts]
