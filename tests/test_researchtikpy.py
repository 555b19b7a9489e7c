"""A client that none of us wrote reads the same follows from the sandbox as the tap."""

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

if TYPE_CHECKING:
    from sandbox import Sandbox

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="researchtikpy needs Python 3.11"
)

TIKTOK = "https://open.tiktokapis.com"


class Detour(HTTPAdapter):
    """Takes requests to another server: the host is hard-coded in researchtikpy."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        assert request.url is not None
        request.url = self._url + request.url.removeprefix(TIKTOK)
        request.headers["Host"] = urlsplit(self._url).netloc
        return super().send(request, timeout=10)


def access_token(sandbox: Sandbox) -> str:
    form = {
        "client_key": sandbox.config["research_client_key"],
        "client_secret": sandbox.config["research_client_secret"],
        "grant_type": "client_credentials",
    }
    answer = requests.post(
        f"{sandbox.url}/v2/oauth/token/",
        headers={"Cache-Control": "no-cache"},
        data=form,
        timeout=10,
    )
    return str(answer.json()["access_token"])


def follows_by_researchtikpy(
    sandbox: Sandbox, username: str, page_size: int, monkeypatch: pytest.MonkeyPatch
) -> set[tuple[str, str]]:
    class DetouredSession(requests.Session):
        def __init__(self) -> None:
            super().__init__()
            self.mount(TIKTOK, Detour(sandbox.url))

    token, client = access_token(sandbox), import_module("researchtikpy")
    with monkeypatch.context() as patched:
        patched.setattr(requests, "Session", DetouredSession)
        table = client.get_following([username], token, page_size, verbose=False)
    return set(zip(table["target_account"], table["username"], strict=True))


@pytest.mark.parametrize("page_size", [100, 7])
@pytest.mark.parametrize("boundary", ["repeat", "skip"])
def test_both_read_the_same_follows(
    sandbox: Sandbox, page_size: int, boundary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 321)})
    sandbox.scenario.boundary = boundary
    ours = set(
        run(settings(sandbox, ["ann"], "research", page_size=page_size)).follows("research")
    )
    theirs = follows_by_researchtikpy(sandbox, "ann", page_size, monkeypatch)
    assert ours == theirs == truth(sandbox, "ann")
    assert len(ours) == 321
