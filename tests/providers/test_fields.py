"""Fields that are not as they should be, on pages that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Fault, Scenario, World
from tests.harness import (
    each_provider,
    follows_of,
    run,
    settings,
)

if TYPE_CHECKING:
    from sandbox import Sandbox


@pytest.mark.parametrize("kind", ["surrogate", "nul"])
@each_provider
def test_text_that_no_target_takes_is_repaired(
    sandbox: Sandbox, provider: str, kind: str
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3)})
    sandbox.scenario = Scenario(faults=[Fault(kind)])
    ended = run(settings(sandbox, ["good"], provider))
    names = {r["display_name"] for r in ended.records(f"{provider}_following")}
    assert names == {
        sandbox.world.accounts[f"good.{n}"].display_name + "\N{REPLACEMENT CHARACTER}"
        for n in range(3)
    }


@each_provider
def test_account_without_its_key_is_left_out_with_a_warning(
    sandbox: Sandbox, provider: str
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3)})
    sandbox.scenario = Scenario(faults=[Fault("key_missing")])
    ended = run(settings(sandbox, ["good"], provider))
    assert ended.exit_code == 0
    assert ended.follows(provider) == [("good", "good.1"), ("good", "good.2")]
    assert not ended.scans(provider)["good"]["whole_list"]
    assert "1 account" in ended.text("WARNING")


@pytest.mark.parametrize("wrong", [{"not": 1}, 7], ids=str)
@each_provider
def test_field_of_a_wrong_type_becomes_null_with_a_warning(
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


def test_64_bit_values_are_exact_and_larger_ones_null(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"good": follows_of("good", 1)})
    sandbox.scenario = Scenario(
        faults=[
            Fault("wrong_type", value=["user_id", 7012345678901234567], times=1),
            Fault("wrong_type", value=["followers", 2**63 - 1], times=1),
            Fault("wrong_type", value=["followers", 2**63], times=1),
        ]
    )
    config = settings(sandbox, ["good"], "rapidapi")
    records = [run(config).records("rapidapi_following")[0] for _ in range(3)]
    assert records[0]["user_id"] == "7012345678901234567"
    assert [record["followers"] for record in records[1:]] == [2**63 - 1, None]
