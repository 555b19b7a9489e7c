from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox import Clock, Sandbox, Scenario
from tests.sandbox.client import Client
from tests.sandbox.conftest import small_world

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 86_400
BEFORE_MIDNIGHT = 1_700_092_800 - 60


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of a server of its own, since a server remembers what was used."""
    with (
        Sandbox(small_world(), clock=Clock(BEFORE_MIDNIGHT)) as sandbox,
        requests.Session() as session,
    ):
        client = Client(sandbox, session)
        client.fetch_token()
        yield client


def test_a_spent_quota_is_refused_until_midnight_utc(client: Client) -> None:
    client.sandbox.scenario = Scenario(quota=2)
    assert [client.research().status_code for _ in range(3)] == [200, 200, 429]
    assert client.research().json()["error"]["code"] == "daily_quota_limit_exceeded"
    assert client.rapidapi().status_code == 200
    client.sandbox.clock.advance(60)
    assert client.research().status_code == 200


def test_the_gateway_tells_what_is_left_of_the_quota(client: Client) -> None:
    client.sandbox.scenario = Scenario(quota=1)
    first, second = client.rapidapi(), client.rapidapi()
    names = [f"x-ratelimit-requests-{name}" for name in ("limit", "remaining", "reset")]
    assert [first.headers[name] for name in names] == ["1", "0", "60"]
    assert [second.headers[name] for name in names] == ["1", "0", "60"]
    assert (first.status_code, second.status_code) == (200, 429)
    assert second.json()["message"].startswith("You have exceeded the MONTHLY quota")


def test_only_the_gateway_has_quota_headers(client: Client) -> None:
    assert not [name for name in client.rapidapi().headers if "ratelimit" in name]
    client.sandbox.scenario = Scenario(quota=5)
    assert not [name for name in client.research().headers if "ratelimit" in name]


def test_too_many_requests_in_a_second_are_told_to_slow_down(client: Client) -> None:
    client.sandbox.scenario = Scenario(rate=2, retry_after="3")
    research = [client.research() for _ in range(3)]
    rapidapi = [client.rapidapi() for _ in range(3)]
    assert [answer.status_code for answer in research + rapidapi] == [200, 200, 429] * 2
    assert research[2].json()["error"]["code"] == "rate_limit_exceeded"
    assert "rate limit per second" in rapidapi[2].json()["message"]
    assert (research[2].headers["retry-after"], rapidapi[2].headers["retry-after"]) == (
        "3",
        "3",
    )


def test_latency_delays_pages_but_not_each_other(client: Client) -> None:
    client.sandbox.scenario = Scenario(latency=0.2)
    headers = {"x-rapidapi-key": client.sandbox.config["rapidapi_key"]}
    headers["x-rapidapi-host"] = client.host
    url = f"{client.sandbox.url}/api/v1/users/alice/following"
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: requests.get(url, headers=headers, timeout=5), range(8))
        )
    assert [answer.status_code for answer in answers] == [200] * 8
    assert 0.2 <= time.monotonic() - started < 8 * 0.2


def test_requests_are_written_down_in_order(client: Client) -> None:
    sandbox = client.sandbox
    sandbox.requests.clear()
    before = time.time()
    client.research("alice", max_count=3, cursor=1_700_000_050)
    client.rapidapi("eve")
    client.fetch_token()
    assert [
        (
            entry.provider,
            entry.username,
            entry.cursor,
            entry.count,
            entry.status,
            entry.accounts,
        )
        for entry in sandbox.requests
    ] == [
        ("research", "alice", 1_700_000_050, 3, 200, 3),
        ("rapidapi", "eve", None, 20, 403, 0),
        ("token", None, None, None, 200, 0),
    ]
    at_times = [entry.at for entry in sandbox.requests]
    assert at_times == sorted(at_times)
    assert before - 1 < at_times[0] < time.time() + 1
