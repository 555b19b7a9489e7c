"""Exit codes, and the sentence that goes with them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Fault, Scenario, World
from tests.harness import (
    PROVIDERS,
    bookmark,
    each_provider,
    finish,
    follows_of,
    settings,
    start,
    truth,
)

if os.name == "nt":
    pytest.skip("signals and pipes are POSIX's", allow_module_level=True)

from tests.stopping import NO_TRACE

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

TEAPOT = Fault("error", username="bad", value=[418, "teapot", "I am a teapot"])
WAIT = Fault("retry_after", value="900")
BUDGET = {"rapidapi_max_requests": 1, "research_max_requests": 1}
CONTINUE = {"on_username_failure": "continue"}
STOP = {"on_quota_exhausted": "stop"}


@pytest.mark.parametrize(
    ("faults", "more", "code", "words"),
    [
        pytest.param([], {}, 0, "", id="all is read"),
        pytest.param([TEAPOT], {}, 1, "bad", id="failed username"),
        pytest.param([TEAPOT], CONTINUE, 0, "bad", id="failed username, continue"),
        pytest.param([WAIT], {}, 75, "quota", id="quota"),
        pytest.param([WAIT, TEAPOT], STOP, 0, "quota", id="quota, stop"),
        pytest.param([], BUDGET, 0, "max_requests", id="budget"),
        pytest.param([], {"rapidapi_key": "wrong"}, 1, "rapidapi_key", id="wrong key"),
        pytest.param([], {"page_size": 0}, 1, "`page_size`", id="wrong setting"),
        pytest.param([], {"rapidapi_key": 1234567}, 1, "`rapidapi_key`", id="key as a number"),
        pytest.param(
            [],
            {"research_client_secret": "wrong"},
            1,
            "research_client_secret",
            id="wrong secret",
        ),
    ],
)
def test_exit_code_and_last_line(
    sandbox: Sandbox,
    tmp_path: Path,
    faults: list[Fault],
    more: dict[str, Any],
    code: int,
    words: str,
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3), "bad": follows_of("bad", 3)})
    sandbox.scenario = Scenario(faults=faults)
    ended = finish(start(tmp_path, settings(sandbox, ["bad", "good"], **more)))
    assert ended.exit_code == code
    assert words in ended.last_line
    assert not any(trace in ended.stderr for trace in NO_TRACE)
    if code:
        assert ended.log[-1][0] == "ERROR"
        assert ended.last_line.endswith(".")


@each_provider
@pytest.mark.parametrize(
    ("kind", "value", "code"), [("error", [401, None, "no"], 1), ("retry_after", "900", 75)]
)
def test_one_providers_trouble_does_not_stop_the_other(
    sandbox: Sandbox, tmp_path: Path, provider: Any, kind: str, value: Any, code: int
) -> None:
    """Its rows and its state are as if it had run alone."""
    other = next(name for name in PROVIDERS if name != provider)
    names = ["ann", "ben"]
    sandbox.world = World.of({name: follows_of(name, 12) for name in names})
    sandbox.scenario = Scenario(faults=[Fault(kind, provider=provider, value=value)])
    ended = finish(start(tmp_path, settings(sandbox, names, page_size=4)))
    assert ended.exit_code == code
    assert ended.follows(provider) == []
    assert set(ended.follows(other)) == truth(sandbox, *names)
    assert {row["outcome"] for row in ended.scans(other).values()} == {"complete"}
    assert all(bookmark(ended.state, other, name) for name in names)
    assert ended.last_line.startswith(f"{provider}_following: ")
    order = [message.get("stream") for message in ended.messages]
    assert order.index(f"{other}_following") < order.index(f"{other}_scans")


def test_failure_outweighs_a_quota(sandbox: Sandbox, tmp_path: Path) -> None:
    """The quota of one provider is used up, and the other provider refuses the key."""
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    quota = Fault("retry_after", provider="research", value="900")
    key = Fault("error", provider="rapidapi", value=[401, None, "no"])
    sandbox.scenario = Scenario(faults=[quota, key])
    assert finish(start(tmp_path, settings(sandbox, ["ann"]))).exit_code == 1
