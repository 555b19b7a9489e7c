from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from sandbox import Fault, Scenario

if TYPE_CHECKING:
    from pathlib import Path


def test_a_scenario_is_read_from_json(tmp_path: Path) -> None:
    path = tmp_path / "scenario.json"
    path.write_text(
        '{"quota": 50, "boundary": "skip",'
        ' "faults": [{"kind": "error", "username": "alice", "page": 2, "times": 1,'
        ' "value": [403, null, "You are not subscribed to this API."]}]}'
    )
    value = [403, None, "You are not subscribed to this API."]
    assert Scenario.load(path) == Scenario(
        quota=50,
        boundary="skip",
        faults=[Fault("error", username="alice", page=2, times=1, value=value)],
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"qouta": 50}', "unknown field `qouta`"),
        ('{"quota": "50"}', "Expected `int | null`, got `str` - at `$.quota`"),
        ('{"faults": [{"kind": "explode"}]}', "Invalid enum value 'explode'"),
        ("{", "Input data was truncated"),
    ],
)
def test_what_is_no_scenario_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "scenario.json"
    path.write_text(text)
    with pytest.raises(msgspec.MsgspecError) as caught:
        Scenario.load(path)
    assert message in str(caught.value)
