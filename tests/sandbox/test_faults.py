from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

import sandbox as package
from sandbox import Fault, Follow, Sandbox, Scenario, World
from sandbox.faults import KINDS
from tests.sandbox.client import PROVIDERS, Client
from tests.sandbox.conftest import FIRST, NOW

README = (Path(package.__file__).parent / "README.md").read_text(encoding="utf-8")
MEGABYTE = 1024 * 1024


def spoil(client: Client, kind: str, value: Any = None, **where: Any) -> None:
    client.sandbox.scenario = Scenario(faults=[Fault(kind, value=value, **where)])


def accounts_of(payload: dict[str, Any]) -> list[dict[str, Any]]:
    data = payload["data"]
    found: list[dict[str, Any]] = data if isinstance(data, list) else data["user_following"]
    return found


def first_cells(text: str) -> list[str]:
    return [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]


def test_readme_has_every_setting_and_every_fault() -> None:
    settings, _, faults = README.partition("A fault has a `kind`")
    assert first_cells(settings) == [field.name for field in msgspec.structs.fields(Scenario)]
    assert sorted(first_cells(faults)) == sorted(KINDS)


def test_readme_example_works() -> None:
    [example] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"qouta": 50}', "unknown field `qouta`"),
        ('{"quota": "50"}', "Expected `int | null`, got `str` - at `$.quota`"),
        ('{"faults": [{"kind": "explode"}]}', "no such fault: explode - at `$.faults[0]`"),
    ],
)
def test_wrong_scenario_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "scenario.json"
    path.write_text(text)
    with pytest.raises(msgspec.MsgspecError) as caught:
        Scenario.load(path)
    assert message in str(caught.value)


# Which responses a fault affects.


def test_fault_affects_what_it_names_as_often_as_it_says(client: Client) -> None:
    spoil(client, "status", provider="research", username="alice", times=2, after=1)
    assert client.rapidapi().status_code == 200
    assert client.research("dave").status_code == 200
    assert [client.research().status_code for _ in range(4)] == [200, 500, 500, 200]


def test_page_keeps_its_number_until_a_new_scan(client: Client) -> None:
    spoil(client, "status", page=2, times=2)
    cursors = (0, FIRST + 60, FIRST + 60, FIRST + 60, FIRST + 30, 0, FIRST + 60)
    statuses = [client.research(cursor=at, max_count=4).status_code for at in cursors]
    assert statuses == [200, 500, 500, 200, 200, 200, 200]
    spoil(client, "status", page=1)
    assert [client.research(cursor=at).status_code for at in cursors[:2]] == [500, 200]


def test_fault_of_pages_affects_pages_only(client: Client) -> None:
    spoil(client, "data_null", times=1)
    assert client.research("eve").json()["error"]["code"] == "invalid_params"
    assert client.research().json()["data"] is None


def test_tokens_are_affected_by_name_only(client: Client) -> None:
    spoil(client, "status")
    assert client.fetch_token().status_code == 200
    spoil(client, "status", provider="token")
    assert client.fetch_token().json()["error"] == "internal_error"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_draw_depends_on_the_seed_not_on_the_order_of_requests(provider: str) -> None:
    world = World.of({f"user{n}": [Follow("bob", at=FIRST)] for n in range(100)})

    def blinks(seed: int, usernames: list[str]) -> set[str]:
        faults = [Fault("empty_page", probability=0.2, seed=seed)]
        scenario = Scenario(faults=faults)
        with Sandbox(world, scenario=scenario) as sandbox, requests.Session() as session:
            client = Client(sandbox, session)
            client.fetch_token()
            return {name for name in usernames if not client.page(provider, name).usernames}

    forwards = blinks(1, world.usernames)
    assert 10 <= len(forwards) <= 30
    assert blinks(1, world.usernames[::-1]) == forwards
    assert blinks(2, world.usernames) != forwards


# What each kind does.

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("status", None, (500, JSON, '"code":"internal_error"')),
        ("status", [502, "html"], (502, HTML, "<h1>")),
        ("error", [403, "scope_not_authorized", "No."], (403, JSON, '"scope_not_authorized"')),
        ("error", [200, "invalid_params", "No."], (200, JSON, '"invalid_params"')),
        ("retry_after", "soon", (429, JSON, "rate limit")),
        ("html_200", None, (200, HTML, "<h1>")),
        ("redirect", None, (307, None, "")),
        ("retry_after", [2, 503], (503, JSON, '"code":"internal_error"')),
        ("empty_body", None, (200, JSON, "")),
        ("no_content", None, (204, None, "")),
    ],
    ids=str,
)
def test_another_response(
    client: Client, provider: str, kind: str, value: Any, expected: tuple[int, str, str]
) -> None:
    spoil(client, kind, value)
    response = client.get(provider)
    status, media_type, words = expected
    assert (response.status_code, response.headers.get("content-type")) == (status, media_type)
    assert words in response.text
    assert bool(words) == bool(response.content)
    if kind == "retry_after":
        assert response.headers["retry-after"] == ("soon" if value == "soon" else "2")


def test_revoked_token_stays_revoked(client: Client) -> None:
    spoil(client, "token_revoked", provider="research", times=1)
    codes = [client.research().json()["error"]["code"] for _ in range(2)]
    assert codes == ["access_token_invalid"] * 2
    client.fetch_token()
    assert client.research().status_code == 200


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("kind", "page", "pages"),
    [
        ("empty_page", 1, [(0, True), (4, True), (4, False)]),
        ("empty_page", 2, [(4, True), (0, True), (4, False)]),
        ("empty_page", None, [(0, True), (0, True), (0, False)]),
        ("empty_list", 1, [(0, False)]),
        ("empty_list", 2, [(4, True), (0, False)]),
        ("early_end", 1, [(4, False)]),
        ("early_end", 2, [(4, True), (4, False)]),
    ],
)
def test_blinks_lose_accounts_with_http_200(
    client: Client, provider: str, kind: str, page: int | None, pages: list[tuple[int, bool]]
) -> None:
    last = client.page(provider, cursor=FIRST + 30, count=4)
    spoil(client, kind, page=page)
    found = client.pages(provider, "alice", count=4)
    assert [(len(page.usernames), page.has_more) for page in found] == pages
    assert (found[-1].cursor is None) == (last.cursor is None)


def test_stale_total_is_the_length_of_the_list_as_it_was(
    sandbox: Sandbox, client: Client
) -> None:
    sandbox.clock.advance(3600)
    sandbox.world.unfollow("alice", "n0")
    sandbox.world.unfollow("alice", "n1")
    sandbox.world.follow("alice", "new", at=NOW + 3600)
    spoil(client, "stale_total", 1, times=1)
    totals = [client.get("rapidapi").json()["pagination"]["total"] for _ in range(2)]
    assert totals == [10, 9]
    assert "total" not in client.get("research").json()["data"]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("kind", "page", "cursor"),
    [
        ("cursor_forward", 2, FIRST + 60 + 3600),
        ("cursor_still", 2, FIRST + 60),
        ("cursor_still", 1, NOW),
        ("cursor_cycle", 2, NOW),
        ("cursor_string", 2, str(FIRST + 30)),
        ("cursor_ms", 2, (FIRST + 30) * 1000),
        ("cursor_missing", 1, "missing"),
    ],
)
def test_another_cursor(
    client: Client, provider: str, kind: str, page: int, cursor: object
) -> None:
    spoil(client, kind, page=page)
    requested = [None, FIRST + 60][:page]
    payload = [client.get(provider, cursor=at, count=4) for at in requested][-1].json()
    paging = payload["data"] if provider == "research" else payload["pagination"]
    found = paging.get("cursor" if provider == "research" else "next_max_time", "missing")
    assert (found, type(found)) == (cursor, type(cursor))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_missing_members(client: Client, provider: str) -> None:
    spoil(client, "has_more_missing")
    payload = client.get(provider).json()
    assert "has_more" not in payload["data" if provider == "research" else "pagination"]
    spoil(client, "data_null")
    assert client.get(provider).json()["data"] is None
    spoil(client, "list_null")
    data = client.get(provider).json()["data"]
    assert (data["user_following"] if provider == "research" else data) is None
    spoil(client, "error_in_200", ["NOT_FOUND", "The resource was not found."])
    payload = client.get(provider).json()
    assert (len(accounts_of(payload)), payload["error"]["code"]) == (10, "NOT_FOUND")
    assert [entry.accounts for entry in client.sandbox.requests] == [10, 0, 0, 10]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("kind", "value", "field", "values"),
    [
        ("wrong_type", None, "display_name", [{"not": 1}] * 2),
        ("wrong_type", ["verified", "yes"], "verified", ["yes"] * 2),
        ("extra_field", None, "new_field", [{"nested": [1, None]}] * 2),
        ("missing_field", "username", "username", ["gone"] * 2),
        ("surrogate", None, "display_name", ["N9\ud83d", "N8\ud83d"]),
        ("nul", None, "display_name", ["N9\x00", "N8\x00"]),
    ],
    ids=str,
)
def test_other_accounts(
    client: Client, provider: str, kind: str, value: Any, field: str, values: list[Any]
) -> None:
    spoil(client, kind, value)
    accounts = accounts_of(client.get(provider, count=2).json())
    assert [account.get(field, "gone") for account in accounts] == values


@pytest.mark.parametrize(
    ("kind", "value", "begins", "ends"),
    [
        ("nan", None, b"{", b',"extra":NaN}'),
        ("big_int", None, b"{", b',"extra":' + b"9" * 5000 + b"}"),
        ("deep", 3, b"{", b',"extra":[[[]]]}'),
        ("bom", None, b"\xef\xbb\xbf{", b"}"),
        ("truncated", None, b"{", b""),
        ("array", None, b"[{", b"}]"),
        ("huge", MEGABYTE, b"{", b" " * 1000),
    ],
)
def test_other_bytes(
    client: Client, kind: str, value: Any, begins: bytes, ends: bytes
) -> None:
    spoil(client, kind, value)
    body = client.rapidapi(count=2).content
    assert (body.startswith(begins), body.endswith(ends)) == (True, True)
