"""Faults do what the README says, where and as often as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import sandbox as package
from sandbox import Scenario
from sandbox.faults import FAULTS
from tests.harness import PROVIDERS
from tests.sandbox.client import Client, spoil
from tests.sandbox.conftest import FIRST

README = (Path(package.__file__).parent / "README.md").read_text(encoding="utf-8")
SECOND, THIRD, FOURTH = FIRST + 70, FIRST + 50, FIRST + 30
"""The cursors of pages of three accounts."""


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


# What each kind does, where a test of the tap would pass without it.

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"

RESPONSES = [
    ("status", [502, "html"], (502, HTML), "<h1>"),
    ("html_200", None, (200, HTML), "<h1>"),
    ("empty_body", None, (200, JSON), ""),
    ("no_content", None, (204, None), ""),
    ("nan", None, (200, JSON), ',"extra":NaN}'),
]

PAGES = {
    "empty_page": {"accounts": []},
    "empty_list": {"accounts": [], "has_more": False, "cursor": "last"},
    "early_end": {"has_more": False, "cursor": "last"},
    "list_null": {"accounts": None},
    "cursor_missing": {"cursor": "missing"},
    "cursor_null": {"cursor": None},
    "cursor_zero": {"cursor": 0},
    "cursor_still": {"cursor": THIRD},
    "cursor_string": {"cursor": str(FOURTH)},
    "cursor_float": {"cursor": float(FOURTH)},
}
"""What is different on a page; all else is as on the right one."""


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


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("kind", "changed"), PAGES.items(), ids=PAGES)
def test_another_page(
    client: Client, provider: str, kind: str, changed: dict[str, Any]
) -> None:
    right = client.page(provider, cursor=THIRD, count=3)
    spoil(client.sandbox, kind)
    page = client.page(provider, cursor=THIRD, count=3)
    expected = vars(right) | changed
    if expected["cursor"] == "last":
        expected["cursor"] = FOURTH if provider == "research" else None
    assert vars(page) == expected
    assert type(page.cursor) is type(expected["cursor"])
    assert client.sandbox.requests[-1].accounts == len(page.accounts or ())


def test_revoked_token_stays_revoked(client: Client) -> None:
    spoil(client.sandbox, "token_revoked", provider="research", times=1)
    codes = [client.research().json()["error"]["code"] for _ in range(2)]
    assert codes == ["access_token_invalid"] * 2
    client.fetch_token()
    assert client.research().status_code == 200
