"""A plain client of both providers."""

from __future__ import annotations

from typing import Any

import requests

from sandbox import Fault, Sandbox, Scenario

TOKEN, LIST = "/v2/oauth/token/", "/v2/research/user/following/"


def spoil(sandbox: Sandbox, kind: str, value: Any = None, **where: Any) -> None:
    sandbox.scenario = Scenario(faults=[Fault(kind, value=value, **where)])


class Client:
    def __init__(self, sandbox: Sandbox, session: requests.Session) -> None:
        self.sandbox = sandbox
        self.session = session
        self.token = "none yet"

    def send(self, method: str, path: str, **what: Any) -> requests.Response:
        url = self.sandbox.url + path
        return self.session.request(method, url, allow_redirects=False, timeout=60, **what)

    def fetch_token(self, **changes: str) -> requests.Response:
        form = {
            "client_key": self.sandbox.config["research_client_key"],
            "client_secret": self.sandbox.config["research_client_secret"],
            "grant_type": "client_credentials",
            **changes,
        }
        response = self.send("POST", TOKEN, data=form)
        self.token = response.json().get("access_token", self.token)
        return response

    def research(
        self, username: Any = "alice", *, scheme: str = "Bearer", token: str = "", **body: Any
    ) -> requests.Response:
        headers = {"Authorization": f"{scheme} {token or self.token}"}
        return self.send("POST", LIST, json={"username": username, **body}, headers=headers)

    def rapidapi(
        self, username: str = "alice", *, headers: Any = (), **query: Any
    ) -> requests.Response:
        right = {
            "x-rapidapi-key": self.sandbox.config["rapidapi_key"],
            "x-rapidapi-host": self.sandbox.url.removeprefix("http://"),
        }
        path = f"/api/v1/users/{username}/following"
        return self.send("GET", path, params=query, headers=right | dict(headers))

    def get(
        self, provider: str, username: str = "alice", cursor: int = 0, count: int = 20
    ) -> requests.Response:
        if provider == "research":
            return self.research(username, cursor=cursor, max_count=count)
        return self.rapidapi(username, max_time=cursor, count=count)

    def page(self, provider: str, **paging: int) -> Page:
        return Page(provider, self.get(provider, "alice", **paging).json())


class Page:
    """What both providers return, under the same names."""

    def __init__(self, provider: str, payload: Any) -> None:
        is_research = provider == "research"
        paging = payload["data" if is_research else "pagination"]
        self.accounts: Any = paging["user_following"] if is_research else payload["data"]
        self.cursor = paging.get("cursor" if is_research else "next_max_time", "missing")
        self.has_more = paging.get("has_more", "missing")
        self.total = paging.get("total")
