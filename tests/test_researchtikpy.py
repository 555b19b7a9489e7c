"""researchtikpy, a client by others, reads the same follows from the sandbox as the tap."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

from sandbox import World
from tests.harness import follows_of, run, settings, truth
from tests.sandbox.client import Client

if TYPE_CHECKING:
    from sandbox import Sandbox

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="researchtikpy needs Python 3.11"
)

TIKTOK = "https://open.tiktokapis.com"


class Detour(HTTPAdapter):
    """Sends requests to another server: the host is hard-coded in researchtikpy."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        assert request.url is not None
        request.url = self._url + request.url.removeprefix(TIKTOK)
        request.headers["Host"] = urlsplit(self._url).netloc
        return super().send(request, timeout=60)


@pytest.mark.parametrize("page_size", [100, 7])
@pytest.mark.parametrize("boundary", ["repeat", "skip"])
def test_both_read_the_same_follows(
    sandbox: Sandbox, page_size: int, boundary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 321)})
    sandbox.scenario.boundary = boundary
    ours = run(settings(sandbox, ["ann"], "research", page_size=page_size)).follows("research")

    session, library = requests.Session(), import_module("researchtikpy")
    client = Client(sandbox, session)
    client.fetch_token()
    session.mount(TIKTOK, Detour(sandbox.url))
    with monkeypatch.context() as patched:
        patched.setattr(requests, "Session", lambda: session)
        table = library.get_following(["ann"], client.token, page_size, verbose=False)
    theirs = set(zip(table["target_account"], table["username"], strict=True))
    assert set(ours) == theirs == truth(sandbox, "ann")
