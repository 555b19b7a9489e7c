"""Fields that are not as they should be, on pages that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Fault, Scenario, World
from tests.harness import (
    each_provider,
    follows_of,
    pages_asked,
    run,
    settings,
    truth,
)

if TYPE_CHECKING:
    from sandbox import Sandbox


@pytest.mark.parametrize(
    "kind", ["bom", "duplicate_keys", "big_int", "extra_field", "missing_field"]
)
@each_provider
def test_odd_pages_that_can_be_read(sandbox: Sandbox, provider: str, kind: str) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3)})
    sandbox.scenario = Scenario(faults=[Fault(kind)])
    ended = run(settings(sandbox, ["good"], provider))
    assert ended.exit_code == 0
    assert set(ended.follows(provider)) == truth(sandbox, "good")
    assert len(pages_asked(sandbox, provider, "good")) == 1
    if kind == "missing_field":
        records = ended.records(f"{provider}_following")
        assert [record["display_name"] for record in records] == [None] * 3


@pytest.mark.parametrize(
    ("kind", "ending"),
    [("surrogate", "\N{REPLACEMENT CHARACTER}"), ("nul", "\N{REPLACEMENT CHARACTER}")],
)
@each_provider
def test_text_that_no_target_takes_is_mended(
    sandbox: Sandbox, provider: str, kind: str, ending: str
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3)})
    sandbox.scenario = Scenario(faults=[Fault(kind)])
    ended = run(settings(sandbox, ["good"], provider))
    names = {r["display_name"] for r in ended.records(f"{provider}_following")}
    assert names == {
        sandbox.world.accounts[f"good.{n}"].display_name + ending for n in range(3)
    }


@each_provider
def test_an_account_without_its_key_is_counted_and_warned_of(
    sandbox: Sandbox, provider: str
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3)})
    sandbox.scenario = Scenario(faults=[Fault("key_missing")])
    ended = run(settings(sandbox, ["good"], provider))
    assert ended.exit_code == 0
    assert ended.follows(provider) == [("good", "good.1"), ("good", "good.2")]
    assert not ended.scans(provider)["good"]["whole_list"]
    assert "1 account" in ended.text("WARNING")


@pytest.mark.parametrize("wrong", [{"not": 1}, [1], 7, True], ids=str)
@each_provider
def test_a_field_of_a_wrong_type_becomes_null_with_a_warning(
    sandbox: Sandbox, provider: str, wrong: object
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3)})
    sandbox.scenario = Scenario(faults=[Fault("wrong_type", value=["display_name", wrong])])
    ended = run(settings(sandbox, ["good"], provider))
    records = ended.records(f"{provider}_following")
    assert ended.exit_code == 0
    assert [record["display_name"] for record in records] == [None] * 3
    assert ended.scans(provider)["good"]["whole_list"]
    assert "3 fields" in ended.text("WARNING")


def test_a_user_id_given_as_a_number_is_the_same_id(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"good": follows_of("good", 1)})
    sandbox.scenario = Scenario(
        faults=[Fault("wrong_type", value=["user_id", 7012345678901234567])]
    )
    ended = run(settings(sandbox, ["good"], "rapidapi"))
    (record,) = ended.records("rapidapi_following")
    assert record["user_id"] == "7012345678901234567"


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (11_000_000_000, 11_000_000_000),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        (-(2**63) - 1, None),
        (2**64 - 1, None),
        (1.5, None),
        ("many", None),
        (True, None),
    ],
)
def test_counts_are_64_bit_integers_or_null(
    sandbox: Sandbox, count: object, expected: int | None
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 1)})
    sandbox.scenario = Scenario(faults=[Fault("wrong_type", value=["followers", count])])
    ended = run(settings(sandbox, ["good"], "rapidapi"))
    (record,) = ended.records("rapidapi_following")
    assert record["followers"] == expected
