"""Exit codes, and the sentence that goes with them."""

from __future__ import annotations

import os
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Fault, Scenario, World
from tap_tiktok_following.errors import Ended
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
from tests.stopping import NO_TRACE

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and pipes are POSIX's")


ENDINGS = [
    pytest.param([], {}, 0, "", id="all is well"),
    pytest.param([Fault("status", username="bad")], {}, 1, "bad", id="a failed username"),
    pytest.param(
        [Fault("status", username="bad")],
        {"on_username_failure": "continue"},
        0,
        "bad",
        id="a failed username, continue",
    ),
    pytest.param([Fault("retry_after", value="900")], {}, 75, "quota", id="quota"),
    pytest.param(
        [Fault("retry_after", value="900")],
        {"on_quota_exhausted": "stop"},
        0,
        "quota",
        id="quota, stop",
    ),
    pytest.param(
        [],
        {"rapidapi_max_requests": 1, "research_max_requests": 1},
        0,
        "max_requests",
        id="budget",
    ),
    pytest.param([], {"rapidapi_key": "wrong"}, 1, "rapidapi_key", id="wrong key"),
    pytest.param(
        [], {"research_client_secret": "wrong"}, 1, "research_client_secret", id="wrong secret"
    ),
    pytest.param([], {"page_size": 0}, 1, "`page_size`", id="a wrong setting"),
    pytest.param([], {"rapidapi_key": 12345678}, 1, "`rapidapi_key`", id="a key as a number"),
    pytest.param([], {"rapidapi_key": ["k3y"]}, 1, "`rapidapi_key`", id="a key as a list"),
]


@pytest.mark.parametrize(("faults", "more", "code", "said"), ENDINGS)
def test_exit_codes_and_the_last_line(
    sandbox: Sandbox,
    tmp_path: Path,
    faults: list[Fault],
    more: dict[str, Any],
    code: int,
    said: str,
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3), "bad": follows_of("bad", 3)})
    sandbox.scenario = Scenario(faults=faults)
    ended = finish(start(tmp_path, settings(sandbox, ["bad", "good"], **more)))
    assert ended.exit_code == code
    assert said in ended.last_line
    assert not any(words in ended.stderr for words in NO_TRACE)
    if code:
        assert ended.log[-1][0] == "ERROR"
        assert ended.last_line.endswith(".")


@each_provider
def test_one_provider_s_trouble_does_not_stop_the_other(
    sandbox: Sandbox, tmp_path: Path, provider: str
) -> None:
    """Its rows and its state are as if it had run alone."""
    other = next(name for name in PROVIDERS if name != provider)
    names = ["ann", "ben"]
    sandbox.world = World.of({name: follows_of(name, 12) for name in names})
    fault = Fault("error", provider=provider, value=[401, None, "no"])  # type: ignore[arg-type]
    sandbox.scenario = Scenario(faults=[fault])
    ended = finish(start(tmp_path, settings(sandbox, names, page_size=4)))
    assert ended.exit_code == 1
    assert ended.follows(provider) == []
    assert set(ended.follows(other)) == truth(sandbox, *names)
    assert {row["outcome"] for row in ended.scans(other).values()} == {"complete"}
    assert all(bookmark(ended.state, other, name) for name in names)
    assert ended.last_line.startswith(f"{provider}_following: ")
    order = [message.get("stream") for message in ended.messages]
    assert order.index(f"{other}_following") < order.index(f"{other}_scans")


def test_of_several_endings_the_weightiest_gives_the_exit_code() -> None:
    endings = [Ended("", code) for code in (143, 0, 1, 75, 129, 0)]
    by_weight = sorted(endings, key=attrgetter("weight"))
    assert [ending.exit_code for ending in by_weight] == [0, 0, 75, 1, 143, 129]
