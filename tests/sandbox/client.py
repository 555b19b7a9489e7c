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
            timeout=60,
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
            timeout=60,
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
            timeout=60,
        )

    def get(
        self,
        provider: str,
        username: str = "alice",
        cursor: int | None = None,
        count: int | None = None,
    ) -> requests.Response:
        if provider == "research":
            return self.research(username, **_given(cursor=cursor, max_count=count))
        return self.rapidapi(username, **_given(max_time=cursor, count=count))

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
        is_research = provider == "research"
        paging = payload["data" if is_research else "pagination"]
        accounts = paging["user_following"] if is_research else payload["data"]
        self.cursor = paging["cursor" if is_research else "next_max_time"]
        self.has_more = paging["has_more"]
        self.usernames = [account["username"] for account in accounts]


def _given(**values: int | None) -> dict[str, int]:
    return {name: value for name, value in values.items() if value is not None}
