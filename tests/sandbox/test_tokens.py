from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Scenario

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.sandbox.client import Client

PATH = "/v2/oauth/token/"


def test_every_token_is_a_new_one(client: Client) -> None:
    first, second = client.fetch_token().json(), client.fetch_token().json()
    assert first["access_token"] != second["access_token"]
    assert (first["expires_in"], first["token_type"]) == (7200, "Bearer")


def test_the_life_of_a_token_can_be_set(sandbox: Sandbox, client: Client) -> None:
    sandbox.scenario = Scenario(token_life=10)
    assert client.fetch_token().json()["expires_in"] == 10
    sandbox.clock.advance(10)
    assert client.research().status_code == 401


@pytest.mark.parametrize("name", ["client_key", "client_secret"])
def test_an_unknown_client_is_refused_with_http_200(client: Client, name: str) -> None:
    answer = client.fetch_token(**{name: "wrong"})
    assert answer.status_code == 200
    assert sorted(answer.json()) == ["error", "error_description", "log_id"]
    assert answer.json()["error"] == "invalid_client"


def test_another_grant_is_refused(client: Client) -> None:
    answer = client.fetch_token(grant_type="password")
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize(
    ("method", "content_type", "status"),
    [
        ("GET", "application/x-www-form-urlencoded", 405),
        ("POST", "application/json", 400),
    ],
)
def test_a_request_not_as_documented_is_refused(
    client: Client, method: str, content_type: str, status: int
) -> None:
    headers = {"Content-Type": content_type}
    answer = client.session.request(method, client.sandbox.url + PATH, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")
