from __future__ import annotations

import pytest
import requests

from sandbox import Clock, Follow, Sandbox, World
from tests.sandbox.client import Client
from tests.sandbox.conftest import FIRST, NOW, small_world


def test_its_settings_are_those_of_the_tap(sandbox: Sandbox) -> None:
    assert sandbox.config == {
        "research_client_key": "sandbox-client-key",
        "research_client_secret": "sandbox-client-secret",
        "rapidapi_key": "sandbox-rapidapi-key",
        "research_api_url": sandbox.url,
        "rapidapi_api_url": sandbox.url,
    }
    assert sandbox.env == {
        f"TAP_TIKTOK_FOLLOWING_{name.upper()}": value for name, value in sandbox.config.items()
    }


def test_another_world_lives_by_the_same_clock(sandbox: Sandbox, client: Client) -> None:
    sandbox.world = World.of({"bob": [Follow("now", NOW), Follow("later", NOW + 1)]})
    assert sandbox.world.truth("bob") == [Follow("now", NOW)]
    assert client.page("rapidapi", "bob").usernames == ["now"]
    assert client.rapidapi("alice").status_code == 404


def test_two_sandboxes_know_nothing_of_each_other() -> None:
    clock = Clock(NOW)
    other_world = World.of({"alice": [Follow("only", at=FIRST)]})
    with (
        Sandbox(small_world(), clock=clock) as one,
        Sandbox(other_world, clock=clock) as other,
        requests.Session() as session,
    ):
        assert Client(one, session).page("rapidapi", count=1).usernames == ["n9"]
        assert Client(other, session).page("rapidapi", count=1).usernames == ["only"]
        assert (len(one.requests), len(other.requests)) == (1, 1)


def test_a_port_in_use_is_told(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match="in use"):
        Sandbox(small_world(), port=int(sandbox.url.rpartition(":")[2]))


def test_another_address_is_not_found(sandbox: Sandbox) -> None:
    assert requests.get(f"{sandbox.url}/v2/user/info/", timeout=5).status_code == 404
