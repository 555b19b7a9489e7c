"""The whole Singer output of two runs, against a committed file.

The order in which pages arrive is not determined, so one username is read after another, and
both clocks stand still. Delete the file to have it written anew; read what changed.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from sandbox import Fault, Sandbox, World
from tests.harness import FIXTURES, NOW, Run, each_provider, follows_of, run, settings

RANDOM = re.compile(r"(log_id|request_id) [0-9a-f-]+")
"""The sandbox's IDs of its responses."""


def messages(result: Run) -> list[dict[str, Any]]:
    """The messages without what differs from run to run."""
    stable = [json.loads(RANDOM.sub(r"\1 *", line)) for line in result.stdout.splitlines()]
    for message in stable:
        message.pop("time_extracted", None)
    return stable


@each_provider
def test_the_whole_output(
    sandbox: Sandbox, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", sandbox.clock.now)
    sandbox.world = World.of(
        {"ann": follows_of("ann", 5), "ben": [], "dan": follows_of("dan", 3)}, private={"cat"}
    )
    sandbox.world.hide("ann.3")
    sandbox.scenario.faults.append(Fault("surrogate", username="dan"))
    config = settings(
        sandbox, ["Ann", "@ben", "cat", "dan"], provider, concurrency=1, page_size=2
    )
    first = run(config)
    sandbox.clock.advance(3600)
    sandbox.world.follow("ben", "ben.new", at=NOW + 1800)
    second = run(config, first.state)
    assert (first.exit_code, second.exit_code) == (0, 0)
    output = [
        json.dumps(message, sort_keys=True) for message in messages(first) + messages(second)
    ]
    snapshot = FIXTURES / f"{provider}_output.jsonl"
    if not snapshot.exists():
        snapshot.write_text("\n".join([*output, ""]), encoding="utf-8")
        pytest.fail(f"{snapshot.name} was not there and is written: read it, then commit it")
    assert output == snapshot.read_text(encoding="utf-8").splitlines()
