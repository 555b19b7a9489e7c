"""Runs researchtikpy; its records go to stdout as JSON lines.

Called with a URL, a client key, a client secret, and a file with a username on each line.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

HOST = "https://open.tiktokapis.com"
"""Where researchtikpy sends its requests; it has no setting for it."""


class Redirected(HTTPAdapter):
    """Sends what is meant for TikTok's host to another URL."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(
        self,
        request: requests.PreparedRequest,
        *arguments: Any,  # noqa: ANN401 - whatever requests hands over
        **options: Any,  # noqa: ANN401
    ) -> requests.Response:
        """Send a request, to the other URL."""
        request.url = (request.url or "").replace(HOST, self._url)
        # The token endpoint asks for it, and researchtikpy leaves it out.
        request.headers.setdefault("Cache-Control", "no-cache")
        return super().send(request, *arguments, **options)


def redirect(url: str) -> None:
    """Let every session of this process send TikTok's requests to another URL."""
    make = requests.Session.__init__

    def make_redirected(session: requests.Session) -> None:
        make(session)
        session.mount(HOST, Redirected(url))

    requests.Session.__init__ = make_redirected  # type: ignore[method-assign, assignment]


def main(url: str, client_key: str, client_secret: str, usernames: str) -> None:
    """Read the lists of all usernames."""
    redirect(url)
    import researchtikpy  # noqa: PLC0415 - it may keep a session from its import on

    token = researchtikpy.get_access_token(client_key, client_secret)["access_token"]
    names = Path(usernames).read_text(encoding="utf-8").split()
    following = researchtikpy.get_following(names, token, verbose=False)
    following.to_json(sys.stdout, orient="records", lines=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
