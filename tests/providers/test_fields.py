"""Fields that are not as they should be, on pages that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import Fault, World
from tests.harness import each_provider, follows_of, run, settings

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.harness import Run


def read(sandbox: Sandbox, provider: str, *faults: Fault) -> Run:
    """Read a list of three accounts under these faults."""
    sandbox.world = World.of({"good": follows_of("good", 3)})
    sandbox.scenario.faults.extend(faults)
    ended = run(settings(sandbox, ["good"], provider))
    assert ended.exit_code == 0
    return ended


@each_provider
def test_account_without_its_key_is_left_out_with_a_warning(
    sandbox: Sandbox, provider: str
) -> None:
    ended = read(sandbox, provider, Fault("key_missing"))
    assert ended.follows(provider) == [("good", "good.1"), ("good", "good.2")]
    assert not ended.scans(provider)["good"]["whole_list"]
    assert "1 account" in ended.text("WARNING")


@each_provider
def test_field_of_a_wrong_type_becomes_null_with_a_warning(
    sandbox: Sandbox, provider: str
) -> None:
    ended = read(sandbox, provider, Fault("wrong_type", value=["display_name", {"not": 1}]))
    names = [r["display_name"] for r in ended.records(f"{provider}_following")]
    assert names == [None] * 3
    assert ended.scans(provider)["good"]["whole_list"]
    assert "3 fields" in ended.text("WARNING")
