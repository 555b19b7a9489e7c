"""Every fault does what the README says, where and as often as it says."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import sandbox as package
from sandbox import Scenario
from sandbox.faults import FAULTS
from tests.sandbox.client import PROVIDERS, spoil
from tests.sandbox.conftest import FIRST

if TYPE_CHECKING:
    from tests.sandbox.client import Client, Page

README = (Path(package.__file__).parent / "README.md").read_text(encoding="utf-8")
SECOND, THIRD, FOURTH = FIRST + 70, FIRST + 50, FIRST + 30
"""The cursors of pages of three accounts; n5 is the first one on the third page."""
MEGABYTE = 1024 * 1024


def first_cells(text: str) -> list[str]:
    return [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]


def test_readme_has_every_setting_and_every_fault() -> None:
    settings, _, faults = README.partition("A fault has a `kind`")
    assert first_cells(settings) == [field.name for field in msgspec.structs.fields(Scenario)]
    assert sorted(first_cells(faults)) == sorted(FAULTS)


def test_readme_example_works() -> None:
    [example] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102


# Which responses a fault affects.


def test_fault_affects_what_it_names_as_often_as_it_says(client: Client) -> None:
    spoil(client.sandbox, "status", provider="research", username="alice", times=2, after=1)
    assert client.rapidapi().status_code == 200
    assert client.research("dave").status_code == 200
    assert [client.research().status_code for _ in range(4)] == [200, 500, 500, 200]


def test_page_keeps_its_number_until_a_new_scan(client: Client) -> None:
    spoil(client.sandbox, "status", page=3)
    cursors = (0, SECOND, SECOND, THIRD, THIRD, 0, THIRD)
    statuses = [client.research(cursor=at).status_code for at in cursors]
    assert statuses == [200, 200, 200, 500, 500, 200, 200]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_fault_of_pages_affects_pages_only(client: Client, provider: str) -> None:
    spoil(client.sandbox, "data_null", times=1)
    assert client.get(provider, "eve").status_code in {400, 403}
    assert client.get(provider).json()["data"] is None


def test_tokens_are_affected_by_name_only(client: Client) -> None:
    spoil(client.sandbox, "status")
    assert client.fetch_token().status_code == 200
    spoil(client.sandbox, "status", provider="token")
    assert client.fetch_token().json()["error"] == "internal_error"


# What each kind does.

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"

RESPONSES = [
    ("status", None, (500, JSON), '"code":"internal_error"'),
    ("status", [502, "html"], (502, HTML), "<h1>"),
    ("error", [403, "scope_not_authorized", "No."], (403, JSON), '"scope_not_authorized"'),
    ("error", [200, "invalid_params", "No."], (200, JSON), '"invalid_params"'),
    ("html_200", None, (200, HTML), "<h1>"),
    ("redirect", None, (307, None), ""),
    ("retry_after", None, (429, JSON), "rate limit"),
    ("retry_after", [2, 503], (503, JSON), '"code":"internal_error"'),
    ("empty_body", None, (200, JSON), ""),
    ("no_content", None, (204, None), ""),
]

PAGES = [
    ("empty_page", None, {"accounts": []}),
    ("empty_list", None, {"accounts": [], "has_more": False, "cursor": "last"}),
    ("early_end", None, {"has_more": False, "cursor": "last"}),
    ("list_null", None, {"accounts": None}),
    ("total", 7, {"total": 7}),
    ("has_more_missing", None, {"has_more": "missing"}),
    ("cursor_missing", None, {"cursor": "missing"}),
    ("cursor_null", None, {"cursor": None}),
    ("cursor_zero", None, {"cursor": 0}),
    ("cursor_forward", None, {"cursor": THIRD + 3600}),
    ("cursor_forward", 5, {"cursor": THIRD + 5}),
    ("cursor_still", None, {"cursor": THIRD}),
    ("cursor_cycle", None, {"cursor": SECOND}),
    ("cursor_string", None, {"cursor": str(FOURTH)}),
    ("cursor_float", None, {"cursor": float(FOURTH)}),
    ("cursor_ms", None, {"cursor": FOURTH * 1000}),
    ("error_in_200", ["NOT_FOUND", "No."], {"error": "NOT_FOUND"}),
]
"""What is different on a page; all else is as on the right one."""

ACCOUNTS = [
    ("wrong_type", None, {"display_name": {"not": 1}}),
    ("wrong_type", ["username", 5], {"username": 5}),
    ("extra_field", None, {"new_field": {"nested": [None]}}),
    ("missing_field", None, {"display_name": "missing"}),
    ("surrogate", None, {"display_name": "N5\ud83d"}),
    ("nul", None, {"display_name": "N5\x00"}),
]
"""What is different in an account, n5."""

BODIES = [
    ("truncated", lambda body: body[: len(body) // 2]),
    ("nan", lambda body: body[:-1] + b',"extra":NaN}'),
    ("big_int", lambda body: body[:-1] + b',"extra":' + b"9" * 5000 + b"}"),
    ("deep", lambda body: body[:-1] + b',"extra":' + b"[" * 10**5 + b"]" * 10**5 + b"}"),
    ("bom", lambda body: b"\xef\xbb\xbf" + body),
    ("duplicate_keys", lambda body: body[:-1] + b"," + body[1:]),
    ("array", lambda body: b"[" + body + b"]"),
]

ELSEWHERE = {
    *("data_null", "key_missing", "token_revoked"),
    *("huge", "gzip_bomb", "bad_gzip"),
    *("reset", "short_body", "silent", "drip", "closed_after"),  # in test_delivery.py
}


def test_every_fault_is_tested() -> None:
    tables = {kind for kind, *_ in [*RESPONSES, *PAGES, *ACCOUNTS, *BODIES]}
    assert tables | ELSEWHERE == set(FAULTS)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("kind", "value", "expected", "words"), RESPONSES, ids=str)
def test_another_response(
    client: Client, provider: str, kind: str, value: Any, expected: Any, words: str
) -> None:
    spoil(client.sandbox, kind, value)
    response = client.get(provider)
    assert (response.status_code, response.headers.get("content-type")) == expected
    assert words in response.text
    assert bool(words) == bool(response.content)


def third_page(client: Client, provider: str, kind: str, value: Any = None) -> Page:
    client.page(provider)
    client.page(provider, cursor=SECOND)
    spoil(client.sandbox, kind, value)
    return client.page(provider, cursor=THIRD, count=3)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("kind", "value", "changed"), PAGES, ids=str)
def test_another_page(
    client: Client, provider: str, kind: str, value: Any, changed: dict[str, Any]
) -> None:
    right = client.page(provider, cursor=THIRD, count=3)
    page = third_page(client, provider, kind, value)
    expected = vars(right) | changed
    if expected["cursor"] == "last":
        expected["cursor"] = FOURTH if provider == "research" else None
    if provider == "research":
        expected["total"] = "missing"
    assert vars(page) == expected
    assert type(page.cursor) is type(expected["cursor"])
    assert client.sandbox.requests[-1].accounts == len(page.accounts or ())


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("kind", "value", "changed"), ACCOUNTS, ids=str)
def test_other_accounts(
    client: Client, provider: str, kind: str, value: Any, changed: dict[str, Any]
) -> None:
    first, *others = third_page(client, provider, kind, value).accounts
    assert {name: first.get(name, "missing") for name in changed} == changed
    assert [account.keys() for account in others] == [first.keys()] * 2


@pytest.mark.parametrize("provider", PROVIDERS)
def test_first_account_without_its_key(client: Client, provider: str) -> None:
    key = "username" if provider == "research" else "user_id"
    accounts = third_page(client, provider, "key_missing").accounts
    assert [key in account for account in accounts] == [False, True, True]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("kind", "change"), BODIES, ids=[kind for kind, _ in BODIES])
def test_other_bytes(client: Client, provider: str, kind: str, change: Any) -> None:
    right = without_ids(client.get(provider).content)
    spoil(client.sandbox, kind)
    assert without_ids(client.get(provider).content) == change(right)


def without_ids(body: bytes) -> bytes:
    """Return a body without what differs in each response."""
    return re.sub(rb'(?<=(?:log|est)_id":")[^"]+', lambda found: b"-" * len(found[0]), body)


def test_retry_after_and_redirect_are_headers(client: Client) -> None:
    spoil(client.sandbox, "retry_after", "soon")
    assert client.research().headers["retry-after"] == "soon"
    spoil(client.sandbox, "retry_after", [2, 503])
    assert client.research().headers["retry-after"] == "2"
    spoil(client.sandbox, "redirect", "http://elsewhere")
    assert client.research().headers["location"] == "http://elsewhere"


def test_revoked_token_stays_revoked(client: Client) -> None:
    spoil(client.sandbox, "token_revoked", provider="research", times=1)
    codes = [client.research().json()["error"]["code"] for _ in range(2)]
    assert codes == ["access_token_invalid"] * 2
    client.fetch_token()
    assert client.research().status_code == 200


def test_huge_bodies_are_small_on_the_wire_with_gzip_only(client: Client) -> None:
    client.session.stream = True
    right = len(client.rapidapi().content)
    spoil(client.sandbox, "huge")
    assert len(client.rapidapi().content) == right + 20 * MEGABYTE
    spoil(client.sandbox, "gzip_bomb")
    bomb = client.rapidapi()
    on_the_wire = bomb.raw.read(decode_content=False)
    assert len(on_the_wire) < MEGABYTE / 5
    assert len(gzip.decompress(on_the_wire)) == right + 100 * MEGABYTE
    spoil(client.sandbox, "bad_gzip")
    bad = client.rapidapi()
    assert bad.raw.read(1, decode_content=False) == b"{"
    assert [r.headers["content-encoding"] for r in (bomb, bad)] == ["gzip", "gzip"]
