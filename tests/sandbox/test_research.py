from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import requests

    from sandbox import Sandbox
    from tests.sandbox.client import Client

PATH = "/v2/research/user/following/"


def error_of(answer: requests.Response) -> tuple[int, str]:
    payload = answer.json()
    assert payload["data"] == {}
    assert payload["error"]["log_id"].isdigit()
    return answer.status_code, payload["error"]["code"]


def test_a_page_is_as_documented(client: Client) -> None:
    answer = client.research(max_count=2)
    payload = answer.json()
    assert payload["data"] == {
        "has_more": True,
        "user_following": [
            {"display_name": "N9", "username": "n9"},
            {"display_name": "N8", "username": "n8"},
        ],
        "cursor": 1_700_000_080,
    }
    log_id = payload["error"].pop("log_id")
    assert log_id.isdigit()
    assert payload["error"] == {"code": "ok", "message": "ok"}
    assert answer.headers["date"] == "Thu, 16 Nov 2023 02:00:00 GMT"


def test_an_empty_list_is_a_page(client: Client) -> None:
    assert client.research("dave").json()["data"] == {
        "has_more": False,
        "user_following": [],
        "cursor": 1_700_100_000,
    }


def test_a_cursor_of_zero_is_none(client: Client) -> None:
    page = client.page("research", count=2)
    assert client.page("research", cursor=0, count=2).usernames == page.usernames


@pytest.mark.parametrize(
    ("username", "message"),
    [
        ("nobody", "Username nobody is invalid: cannot find the user"),
        ("eve", "Username eve is private"),
        ("trent", "Profile user is hiding following list"),
        ("mallory", "API cannot return this user's information"),
    ],
)
def test_only_the_message_says_why_there_is_no_list(
    client: Client, username: str, message: str
) -> None:
    answer = client.research(username)
    assert error_of(answer) == (400, "invalid_params")
    assert answer.json()["error"]["message"] == message


@pytest.mark.parametrize(
    "body",
    [
        {"username": None},
        {"username": ""},
        {"username": 5},
        {"max_count": 0},
        {"max_count": 101},
        {"max_count": "20"},
        {"max_count": True},
        {"cursor": "1700000000"},
        {"cursor": 1.5},
        {"cursor": 2**63},
    ],
    ids=str,
)
def test_wrong_parameters_are_refused(client: Client, body: dict[str, Any]) -> None:
    assert error_of(client.research(**body)) == (400, "invalid_params")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"username=alice"])
def test_a_body_that_is_no_json_object_is_refused(client: Client, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
    answer = client.session.post(client.sandbox.url + PATH, data=body, headers=headers)
    assert error_of(answer) == (400, "invalid_params")


def test_another_content_type_is_refused(client: Client) -> None:
    headers = {"Authorization": f"Bearer {client.token}"}
    form = {"username": "alice"}
    answer = client.session.post(client.sandbox.url + PATH, data=form, headers=headers)
    assert error_of(answer) == (400, "invalid_params")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post_is_supported(client: Client, method: str) -> None:
    answer = client.session.request(method, client.sandbox.url + PATH)
    assert error_of(answer) == (405, "invalid_request")


@pytest.mark.parametrize("token", ["", "clt.never-given"])
def test_a_wrong_token_is_refused(client: Client, token: str) -> None:
    client.token = token
    assert error_of(client.research()) == (401, "access_token_invalid")


def test_a_token_is_good_until_its_time_has_passed(sandbox: Sandbox, client: Client) -> None:
    sandbox.clock.advance(7199)
    assert client.research().status_code == 200
    sandbox.clock.advance(1)
    assert error_of(client.research()) == (401, "access_token_invalid")
