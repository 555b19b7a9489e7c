from __future__ import annotations

import gzip
import json
from typing import Any, get_args

import pytest
import requests

from sandbox import Fault, Follow, Sandbox, Scenario, World
from sandbox.delivery import DELIVERIES
from sandbox.faults import BYTES, CONTENT, INSTEAD
from sandbox.scenario import FaultKind
from tests.sandbox.client import PROVIDERS, Client
from tests.sandbox.conftest import FIRST, NOW

HTML = "text/html; charset=utf-8"
CURSOR = {"research": ("data", "cursor"), "rapidapi": ("pagination", "next_max_time")}
KEY = {"research": "username", "rapidapi": "user_id"}


def accounts_of(provider: str, payload: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        payload["data"]["user_following"] if provider == "research" else payload["data"]
    )
    return found


def test_every_kind_is_in_one_table() -> None:
    tables = [*INSTEAD, *CONTENT, *BYTES, *DELIVERIES]
    assert sorted(tables) == sorted(get_args(FaultKind))


# Which answers a fault spoils.


def test_a_fault_spoils_what_it_names_as_often_as_it_says(
    sandbox: Sandbox, client: Client
) -> None:
    sandbox.world.follow("dave", "bob", at=FIRST)
    fault = Fault("status", provider="research", username="alice", times=2)
    sandbox.scenario = Scenario(faults=[fault])
    assert client.rapidapi().status_code == 200
    assert client.research("dave").status_code == 200
    assert [client.research().status_code for _ in range(3)] == [500, 500, 200]
    assert fault.spoiled == 2


def test_a_page_asked_for_again_keeps_its_number(sandbox: Sandbox, client: Client) -> None:
    sandbox.scenario = Scenario(faults=[Fault("status", page=2, times=2)])
    first = client.page("research", count=4)
    second, third = FIRST + 60, FIRST + 30
    assert first.cursor == second
    statuses = [
        client.research(cursor=cursor, max_count=4).status_code
        for cursor in (second, second, second, third, 0, second)
    ]
    assert statuses == [500, 500, 200, 200, 200, 200]


def test_a_new_pass_counts_pages_anew(sandbox: Sandbox, client: Client) -> None:
    sandbox.scenario = Scenario(faults=[Fault("status", page=1)])
    assert client.research().status_code == 500
    assert client.research(cursor=FIRST + 60).status_code == 200
    assert client.research().status_code == 500


def test_the_first_of_several_faults_spoils_an_answer(
    sandbox: Sandbox, client: Client
) -> None:
    faults = [Fault("status", value=502, times=1), Fault("status", value=503)]
    sandbox.scenario = Scenario(faults=faults)
    assert [client.research().status_code for _ in range(2)] == [502, 503]


def test_a_fault_of_contents_spoils_pages_only(sandbox: Sandbox, client: Client) -> None:
    fault = Fault("data_null", times=1)
    sandbox.scenario = Scenario(faults=[fault])
    assert client.research("eve").json()["error"]["code"] == "invalid_params"
    assert fault.spoiled == 0


def test_tokens_are_spoiled_only_by_name(sandbox: Sandbox, client: Client) -> None:
    sandbox.scenario = Scenario(faults=[Fault("status")])
    assert client.fetch_token().status_code == 200
    sandbox.scenario = Scenario(faults=[Fault("status", provider="token")])
    answer = client.fetch_token()
    assert (answer.status_code, answer.json()["error"]) == (500, "internal_error")


# Another answer instead of the right one.


JSON = "application/json; charset=utf-8"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("status", None, (500, JSON, '"code":"internal_error"')),
        ("status", 408, (408, JSON, '"code":"internal_error"')),
        ("status", [502, "html"], (502, HTML, "<h1>")),
        ("error", None, (500, JSON, '"message":""')),
        ("error", [403, "scope_not_authorized", "No."], (403, JSON, '"scope_not_authorized"')),
        ("error", [200, "invalid_params", "No."], (200, JSON, '"invalid_params"')),
        ("html_200", None, (200, HTML, "<h1>")),
        ("redirect", None, (307, None, "")),
        ("retry_after", None, (429, JSON, "rate limit")),
        ("empty_body", None, (200, JSON, "")),
        ("no_content", None, (204, None, "")),
    ],
    ids=str,
)
def test_another_answer_instead(
    client: Client,
    provider: str,
    kind: FaultKind,
    value: object,
    expected: tuple[int, str | None, str],
) -> None:
    client.sandbox.scenario = Scenario(faults=[Fault(kind, value=value)])
    answer = client.get(provider)
    status, media_type, words = expected
    assert (answer.status_code, answer.headers.get("content-type")) == (status, media_type)
    assert words in answer.text
    assert bool(words) == bool(answer.content)


def test_the_gateway_has_errors_without_a_code(sandbox: Sandbox, client: Client) -> None:
    words = "You are not subscribed to this API."
    sandbox.scenario = Scenario(faults=[Fault("error", value=[403, None, words])])
    answer = client.rapidapi()
    assert (answer.status_code, answer.json()) == (403, {"message": words})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_list_is_hidden_as_the_world_hides_one(client: Client, provider: str) -> None:
    client.sandbox.scenario = Scenario(faults=[Fault("hidden_list", page=2)])
    assert len(client.page(provider, count=4).usernames) == 4
    refused = client.get(provider, cursor=FIRST + 60, count=4)
    hidden = client.get(provider, "trent")
    assert refused.status_code == hidden.status_code >= 400
    assert refused.json()["error"]["code"] == hidden.json()["error"]["code"]
    assert refused.json()["error"]["message"] == "Profile user is hiding following list"


@pytest.mark.parametrize("value", ["120", "Fri, 31 Dec 2027 23:59:59 GMT", "-1", "soon", ""])
def test_retry_after_says_whatever_it_is_told_to(
    sandbox: Sandbox, client: Client, value: str
) -> None:
    sandbox.scenario = Scenario(faults=[Fault("retry_after", value=value)])
    assert client.research().headers["retry-after"] == value


def test_a_redirect_goes_where_it_is_told_to(sandbox: Sandbox, client: Client) -> None:
    fault = Fault("redirect", value="http://localhost:1/elsewhere")
    sandbox.scenario = Scenario(faults=[fault])
    assert client.rapidapi().headers["location"] == "http://localhost:1/elsewhere"


def test_a_revoked_token_stays_revoked(sandbox: Sandbox, client: Client) -> None:
    sandbox.scenario = Scenario(faults=[Fault("token_revoked", provider="research", times=1)])
    answers = [client.research(), client.research()]
    assert [answer.json()["error"]["code"] for answer in answers] == [
        "access_token_invalid"
    ] * 2
    client.fetch_token()
    assert client.research().status_code == 200


# A page with another content.


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("kind", "page", "cursor"),
    [
        ("cursor_null", 2, None),
        ("cursor_zero", 2, 0),
        ("cursor_forward", 2, FIRST + 60 + 3600),
        ("cursor_forward", 1, NOW + 3600),
        ("cursor_still", 2, FIRST + 60),
        ("cursor_still", 1, NOW),
        ("cursor_cycle", 3, FIRST + 60),
        ("cursor_cycle", 1, NOW),
        ("cursor_string", 2, str(FIRST + 30)),
        ("cursor_float", 2, float(FIRST + 30)),
        ("cursor_ms", 2, (FIRST + 30) * 1000),
    ],
)
def test_another_cursor(
    client: Client, provider: str, kind: FaultKind, page: int, cursor: object
) -> None:
    client.sandbox.scenario = Scenario(faults=[Fault(kind, page=page)])
    asked = [None, FIRST + 60, FIRST + 30][:page]
    payload = [client.get(provider, cursor=at, count=4) for at in asked][-1].json()
    holder, name = CURSOR[provider]
    found = payload[holder][name]
    assert (found, type(found)) == (cursor, type(cursor))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_missing_paging(sandbox: Sandbox, client: Client, provider: str) -> None:
    holder, cursor = CURSOR[provider]
    sandbox.scenario = Scenario(faults=[Fault("cursor_missing")])
    assert cursor not in client.get(provider).json()[holder]
    sandbox.scenario = Scenario(faults=[Fault("has_more_missing")])
    assert "has_more" not in client.get(provider).json()[holder]


def test_another_total(sandbox: Sandbox, client: Client) -> None:
    sandbox.scenario = Scenario(faults=[Fault("total", value=7)])
    assert client.get("rapidapi").json()["pagination"]["total"] == 7
    assert "total" not in client.get("research").json()["data"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_missing_lists(sandbox: Sandbox, client: Client, provider: str) -> None:
    sandbox.scenario = Scenario(faults=[Fault("data_null")])
    assert client.get(provider).json()["data"] is None
    sandbox.scenario = Scenario(faults=[Fault("list_null")])
    assert accounts_of(provider, client.get(provider).json()) is None
    sandbox.scenario = Scenario(faults=[Fault("empty_page")])
    page = client.page(provider, count=4)
    assert (page.usernames, page.has_more, page.cursor) == ([], True, FIRST + 60)
    assert [entry.accounts for entry in sandbox.requests] == [0, 0, 0]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_error_beside_the_data(sandbox: Sandbox, client: Client, provider: str) -> None:
    fault = Fault("error_in_200", value=["NOT_FOUND", "The resource was not found."])
    sandbox.scenario = Scenario(faults=[fault])
    answer = client.get(provider)
    assert answer.status_code == 200
    assert len(accounts_of(provider, answer.json())) == 10
    assert answer.json()["error"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("fault", "field", "values"),
    [
        (Fault("wrong_type"), "display_name", [{"not": 1}] * 2),
        (Fault("wrong_type", value=["verified", "yes"]), "verified", ["yes"] * 2),
        (Fault("extra_field"), "new_field", [{"nested": [1, None]}] * 2),
        (Fault("missing_field"), "display_name", ["gone"] * 2),
        (Fault("missing_field", value="username"), "username", ["gone"] * 2),
        (Fault("surrogate"), "display_name", ["N9\ud83d", "N8\ud83d"]),
        (Fault("nul"), "display_name", ["N9\x00", "N8\x00"]),
    ],
    ids=str,
)
def test_spoiled_accounts(
    client: Client, provider: str, fault: Fault, field: str, values: list[object]
) -> None:
    client.sandbox.scenario = Scenario(faults=[fault])
    accounts = accounts_of(provider, client.get(provider, count=2).json())
    assert [account.get(field, "gone") for account in accounts] == values


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_account_without_its_key(sandbox: Sandbox, client: Client, provider: str) -> None:
    sandbox.scenario = Scenario(faults=[Fault("key_missing")])
    accounts = accounts_of(provider, client.get(provider, count=3).json())
    assert [KEY[provider] in account for account in accounts] == [False, True, True]


# The right answer in unreadable bytes.


def body_with(client: Client, fault: Fault, provider: str) -> bytes:
    client.sandbox.scenario = Scenario(faults=[fault])
    answer = client.get(provider, count=2)
    assert answer.status_code == 200
    return answer.content


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("fault", "begins", "ends"),
    [
        (Fault("nan"), b"{", b',"extra":NaN}'),
        (Fault("big_int"), b"{", b',"extra":' + b"9" * 5000 + b"}"),
        (Fault("deep"), b"{", b"[" * 100_000 + b"]" * 100_000 + b"}"),
        (Fault("deep", value=3), b"{", b',"extra":[[[]]]}'),
        (Fault("bom"), b"\xef\xbb\xbf{", b"}"),
        (Fault("array"), b"[{", b"}]"),
    ],
    ids=lambda value: f"{value.kind}-{value.value}" if isinstance(value, Fault) else "",
)
def test_unreadable_bytes(
    client: Client, provider: str, fault: Fault, begins: bytes, ends: bytes
) -> None:
    body = body_with(client, fault, provider)
    assert body.startswith(begins)
    assert body.endswith(ends)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_huge_body_is_a_page_all_the_same(client: Client, provider: str) -> None:
    body = body_with(client, Fault("huge", value=2_000_000), provider)
    assert len(body) == 2_000_000
    assert len(accounts_of(provider, json.loads(body))) == 2


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_truncated_body_is_said_to_be_whole(client: Client, provider: str) -> None:
    whole = client.get(provider, count=2).content
    assert body_with(client, Fault("truncated"), provider)[:20] == whole[:20]
    with pytest.raises(json.JSONDecodeError):
        json.loads(body_with(client, Fault("truncated"), provider))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_key_twice(client: Client, provider: str) -> None:
    body = body_with(client, Fault("duplicate_keys"), provider)
    keys: list[str] = []
    json.loads(body, object_pairs_hook=lambda pairs: keys.extend(key for key, _ in pairs))
    assert keys.count("error") == 2


def test_a_gzip_bomb_is_small_until_unpacked(sandbox: Sandbox, client: Client) -> None:
    fault = Fault("gzip_bomb", value=5 * 1024 * 1024)
    sandbox.scenario = Scenario(faults=[fault])
    answer = client.rapidapi(count=2)
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < 20_000
    assert len(answer.content) > 5 * 1024 * 1024
    assert len(answer.json()["data"]) == 2


def test_bad_gzip_cannot_be_unpacked(sandbox: Sandbox, client: Client) -> None:
    sandbox.scenario = Scenario(faults=[Fault("bad_gzip")])
    with client.session.get(
        f"{sandbox.url}/api/v1/users/alice/following",
        headers={
            "x-rapidapi-key": sandbox.config["rapidapi_key"],
            "x-rapidapi-host": client.host,
        },
        stream=True,
    ) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        raw = answer.raw.read(decode_content=False)
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(raw)


# A provider that blinks.


def seen(client: Client, provider: str, *, username: str = "alice") -> list[tuple[int, bool]]:
    """The number of accounts of each page of a list, and whether more follow."""
    pages = client.pages(provider, username, count=4)
    return [(len(page.usernames), page.has_more) for page in pages]


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
    client: Client,
    provider: str,
    kind: FaultKind,
    page: int | None,
    pages: list[tuple[int, bool]],
) -> None:
    client.sandbox.scenario = Scenario(faults=[Fault(kind, page=page)])
    assert seen(client, provider) == pages


@pytest.mark.parametrize("provider", PROVIDERS)
def test_early_end_has_the_cursor_of_a_last_page(client: Client, provider: str) -> None:
    last = client.page(provider, cursor=FIRST + 30, count=4)
    client.sandbox.scenario = Scenario(faults=[Fault("early_end")])
    early = client.page(provider, count=4)
    assert (last.cursor is None) == (early.cursor is None)


def test_stale_total_counts_the_list_as_it_was(sandbox: Sandbox, client: Client) -> None:
    sandbox.clock.advance(3600)
    sandbox.world.unfollow("alice", "n0")
    sandbox.world.unfollow("alice", "n1")
    sandbox.world.follow("alice", "new", at=NOW + 3600)

    def total(*faults: Fault) -> int:
        sandbox.scenario = Scenario(faults=list(faults))
        found: int = client.get("rapidapi").json()["pagination"]["total"]
        return found

    assert (total(), total(Fault("stale_total", value=1))) == (9, 10)
    assert "total" not in client.get("research").json()["data"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_only_the_nth_response_blinks(client: Client, provider: str) -> None:
    faults = [Fault("empty_page", username="alice", page=2, after=1, times=1)]
    client.sandbox.scenario = Scenario(faults=faults)
    assert [seen(client, provider)[1] for _ in range(3)] == [(4, True), (0, True), (4, True)]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_some_responses_blink_by_seed_whatever_is_requested_for_others(provider: str) -> None:
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
