"""researchtikpy, a client by others, reads the same follows from the sandbox as the tap."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import pytest
import requests

from sandbox import Sandbox, World
from tests.harness import follows_of, run, settings, truth
from tests.sandbox.client import Client

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="researchtikpy needs Python 3.11"
)


class Detour(requests.Session):
    """Sends requests to the sandbox: TikTok's URL is hard-coded in researchtikpy."""

    url = ""

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        url = url.replace("https://open.tiktokapis.com", self.url)
        return super().request(method, url, **options)


@pytest.mark.parametrize(("page_size", "boundary"), [(100, "skip"), (7, "repeat")])
def test_both_read_the_same_follows(
    sandbox: Sandbox, page_size: int, boundary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 321)})
    sandbox.scenario.boundary = boundary
    ours = run(settings(sandbox, ["ann"], "research", page_size=page_size)).follows("research")

    library = import_module("researchtikpy")
    client = Client(sandbox, requests.Session())
    client.fetch_token()
    monkeypatch.setattr(Detour, "url", sandbox.url)
    monkeypatch.setattr(requests, "Session", Detour)
    table = library.get_following(["ann"], client.token, page_size, verbose=False)
    theirs = set(zip(table["target_account"], table["username"], strict=True))
    assert set(ours) == theirs == truth(sandbox, "ann")
