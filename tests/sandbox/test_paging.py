from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Follow, Scenario, World
from sandbox.paging import page_of
from tests.sandbox.client import PROVIDERS
from tests.sandbox.conftest import FIRST, NOW

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.sandbox.client import Client

TEN = [Follow(f"n{place}", at=10 * place) for place in range(10)]


@pytest.mark.parametrize(
    ("cursor", "repeat_boundary", "names", "next_cursor", "has_more"),
    [
        (95, True, ["n9", "n8", "n7"], 70, True),
        (95, False, ["n9", "n8", "n7"], 60, True),
        (90, True, ["n9", "n8", "n7"], 70, True),
        (89, True, ["n8", "n7", "n6"], 60, True),
        (20, True, ["n2", "n1", "n0"], 0, False),
        (20, False, ["n2", "n1", "n0"], 0, False),
        (5, True, ["n0"], 0, False),
        (-1, True, [], -1, False),
    ],
)
def test_a_page_holds_follows_on_or_before_its_cursor(
    cursor: int, *, repeat_boundary: bool, names: list[str], next_cursor: int, has_more: bool
) -> None:
    page = page_of(TEN, cursor, 3, repeat_boundary=repeat_boundary)
    assert [follow.username for follow in page.follows] == names
    assert (page.cursor, page.has_more, page.total) == (next_cursor, has_more, 10)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_boundary_account_comes_again_by_default(client: Client, provider: str) -> None:
    pages = client.pages(provider, "alice", count=4)
    assert [page.usernames for page in pages] == [
        ["n9", "n8", "n7", "n6"],
        ["n6", "n5", "n4", "n3"],
        ["n3", "n2", "n1", "n0"],
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_boundary_account_comes_once_when_skipped(
    sandbox: Sandbox, client: Client, provider: str
) -> None:
    sandbox.scenario = Scenario(boundary="skip")
    pages = client.pages(provider, "alice", count=4)
    assert [page.usernames for page in pages] == [
        ["n9", "n8", "n7", "n6"],
        ["n5", "n4", "n3", "n2"],
        ["n1", "n0"],
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("boundary", ["repeat", "skip"])
def test_no_account_is_lost_among_several_of_one_second(
    sandbox: Sandbox, client: Client, provider: str, boundary: str
) -> None:
    at_times = [1, 1, 2, 3, 3, 3, 4, 5, 5, 6]
    follows = [Follow(f"n{place}", at) for place, at in enumerate(at_times)]
    sandbox.world = World.of({"alice": follows})
    sandbox.scenario = Scenario(boundary=boundary)  # type: ignore[arg-type]
    found = [name for page in client.pages(provider, "alice", 4) for name in page.usernames]
    assert set(found) == {follow.username for follow in follows}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("boundary", ["repeat", "skip"])
def test_the_cursor_stands_still_when_a_second_does_not_fit_a_page(
    sandbox: Sandbox, client: Client, provider: str, boundary: str
) -> None:
    sandbox.world = World.of({"alice": [Follow(f"n{place}", FIRST) for place in range(5)]})
    sandbox.scenario = Scenario(boundary=boundary)  # type: ignore[arg-type]
    page = client.page(provider, "alice", FIRST, 4)
    assert (page.cursor, page.has_more, len(page.usernames)) == (FIRST, True, 4)
    assert not client.page(provider, "alice", FIRST, 5).has_more


@pytest.mark.parametrize("provider", PROVIDERS)
def test_hidden_accounts_leave_short_and_empty_pages_with_more_to_come(
    sandbox: Sandbox, client: Client, provider: str
) -> None:
    for name in ("n9", "n5", "n4", "n3", "n2"):
        sandbox.world.hide(name)
    sandbox.scenario = Scenario(boundary="skip")
    pages = client.pages(provider, "alice", count=4)
    assert [(page.usernames, page.has_more) for page in pages] == [
        (["n8", "n7", "n6"], True),
        ([], True),
        (["n1", "n0"], False),
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_first_page_shows_what_has_happened_by_now(
    sandbox: Sandbox, client: Client, provider: str
) -> None:
    sandbox.world.follow("alice", "now", at=NOW)
    sandbox.world.follow("alice", "later", at=NOW + 1)
    assert client.page(provider, count=2).usernames == ["now", "n9"]
    assert client.page(provider, cursor=NOW + 100, count=2).usernames == ["now", "n9"]
    sandbox.clock.advance(1)
    assert client.page(provider, count=2).usernames == ["later", "now"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_page_is_capped_whatever_is_asked_for(
    sandbox: Sandbox, client: Client, provider: str
) -> None:
    sandbox.scenario = Scenario(page_cap=3)
    assert client.page(provider, count=100).usernames == ["n9", "n8", "n7"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_capped_list_ends_early(sandbox: Sandbox, client: Client, provider: str) -> None:
    sandbox.scenario = Scenario(list_cap=3)
    page = client.page(provider)
    assert (page.usernames, page.has_more) == (["n9", "n8", "n7"], False)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_page_has_20_accounts_unless_asked_otherwise(
    sandbox: Sandbox, client: Client, provider: str
) -> None:
    sandbox.world = World.of({"alice": [Follow(f"n{place}", place) for place in range(30)]})
    assert len(client.page(provider).usernames) == 20
