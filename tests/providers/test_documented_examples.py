"""The providers' documented responses, word for word, served over real HTTP."""

from __future__ import annotations

import json

from tests.harness import FIXTURES, QUICK, Run, run
from tests.server import Received, Reply, Server

RESEARCH = (FIXTURES / "research_following.json").read_bytes()
RAPIDAPI = json.loads((FIXTURES / "rapidapi_following.json").read_bytes())

DATE = {"Date": "Wed, 03 Jun 2026 00:00:00 GMT"}
"""A time at which both examples can have been sent: after the cursors in them."""

START_DATE = "2026-06-03T00:00:00Z"
"""Both examples say that there is more; it is older than this."""


def read(server: Server, *usernames: str, **credentials: str) -> Run:
    base = f"{server.url}/base/"
    urls = {"research_api_url": base, "rapidapi_api_url": base}
    lists = {"usernames": list(usernames), "start_date": START_DATE}
    return run({**QUICK, **urls, **lists, **credentials})


def test_example_of_the_research_api_is_three_records() -> None:
    def answer(request: Received) -> Reply:
        token = b'{"access_token": "clt.example", "expires_in": 7200, "token_type": "Bearer"}'
        is_token = request.target == "/base/v2/oauth/token/"
        return Reply(body=token if is_token else RESEARCH, headers=DATE)

    with Server(answer) as server:
        credentials = {"research_client_key": "key-1", "research_client_secret": "secret-1"}
        result = read(server, "test_user", **credentials)
    assert result.exit_code == 0
    columns = ("follower_username", "username", "display_name", "followed_at_earliest")
    earliest = "2022-04-22T15:47:02+00:00"
    records = result.records("research_following")
    assert [tuple(record[column] for column in columns) for record in records] == [
        ("test_user", "test_username", "test user", earliest),
        ("test_user", "test_username2", "test user 2", earliest),
        ("test_user", "test_username3", "test user 3", earliest),
    ]
    token, page = server.received
    grant = b"client_key=key-1&client_secret=secret-1&grant_type=client_credentials"
    assert token.body == grant
    assert token.headers["content-type"] == "application/x-www-form-urlencoded"
    assert token.headers["cache-control"] == "no-cache"
    assert page.target == "/base/v2/research/user/following/"
    assert page.headers["authorization"] == "Bearer clt.example"
    assert page.headers["content-type"] == "application/json"
    assert json.loads(page.body) == {"username": "test_user", "max_count": 100}


def test_example_of_rapidapi_is_a_skip_and_without_its_error_one_record() -> None:
    def answer(request: Received) -> Reply:
        changes = {} if "/no_user/" in request.target else {"error": None}
        return Reply(body=json.dumps({**RAPIDAPI, **changes}).encode(), headers=DATE)

    with Server(answer) as server:
        result = read(server, "test_user", "no_user", rapidapi_key="key-2")
    assert result.exit_code == 0
    skip = result.scans("rapidapi")["no_user"]
    assert (skip["outcome"], skip["accounts_read"], skip["requests"]) == ("not_found", 0, 1)
    assert skip["reason"] == (
        "HTTP 200, NOT_FOUND: The requested resource was not found. "
        "(request_id 3c90c3cc-0d44-4b50-8888-8dd25736052a)"
    )
    (record,) = result.records("rapidapi_following")
    assert record == {
        **RAPIDAPI["data"][0],
        "follower_username": "test_user",
        "scanned_at": record["scanned_at"],
        "previous_scanned_at": None,
        "position": 1,
        "followed_at_earliest": "2026-06-02T18:51:15+00:00",
        "followed_at_latest": "2026-06-03T00:00:00+00:00",
    }
    assert result.scans("rapidapi")["test_user"]["following_total"] == 158_151_684
    page = next(request for request in server.received if "/test_user/" in request.target)
    assert page.target == "/base/api/v1/users/test_user/following?count=100"
    assert page.headers["x-rapidapi-key"] == "key-2"
    assert page.headers["x-rapidapi-host"] == server.url.removeprefix("http://")
