"""Stream maps are tried before the first request, and reported like settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import World
from tests.harness import finish, follows_of, run, settings, start

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

STREAMS = "`research_following`, `research_scans`, `rapidapi_following`, `rapidapi_scans`"


@pytest.mark.parametrize(
    ("name", "definition", "says"),
    [
        (
            "rapidapi_following",
            {"name": "display_nam.upper()"},
            "`name` fails ('display_nam' is not defined for expression 'display_nam.upper()')",
        ),
        (
            "rapidapi_following",
            {"x": "bio.upper()"},
            (
                "`x` fails where columns are null (Attribute 'upper' does not exist in "
                "expression 'bio.upper()')"
            ),
        ),
        (
            "rapidapi_*",
            {"x": "sha265(bio)"},
            "`x` fails (Function 'sha265' not defined, for expression 'sha265(bio)')",
        ),
        (
            "rapidapi_following",
            {"__filter__": "followers > 1"},
            (
                "`__filter__` fails where columns are null ('>' not supported between "
                "instances of 'NoneType' and 'int')"
            ),
        ),
        (
            "copy",
            {"__source__": "rapidapi_following", "salted": "md5(config['salt'])"},
            "`salted` fails ('salt')",
        ),
        (
            "rapidapi_following",
            {"x": "fake.name()"},
            (
                "`x` fails (`fake` needs the package Faker: install "
                "`tap-tiktok-following[faker]`)"
            ),
        ),
        (
            "rapidapi_following",
            {"name": "bio +"},
            "`name` fails (invalid syntax (<unknown>, line 1))",
        ),
    ],
    ids=range(7),
)
def test_wrong_expression(
    sandbox: Sandbox, name: str, definition: dict[str, str], says: str
) -> None:
    config = settings(sandbox, ["ann"], "rapidapi", stream_maps={name: definition})
    result = run(config)
    assert (result.exit_code, result.stdout, sandbox.requests) == (1, "", [])
    problem = f"`stream_maps` of `{name}`: {says}"
    assert result.last_line == f"The config has a problem: {problem}."


@pytest.mark.parametrize(
    ("maps", "says"),
    [
        (
            {"rapidapi_folowing": {"name": "display_name"}},
            f"`stream_maps` names `rapidapi_folowing`, which is not a stream ({STREAMS})",
        ),
        (
            {"rapidapi_following": "md5"},
            (
                "`stream_maps.rapidapi_following` has the wrong type (see the documentation "
                "of the Singer SDK)"
            ),
        ),
        ([], "`stream_maps` must be an object"),
        (
            {"rapidapi_following": {"x": ""}},
            "`stream_maps` of `rapidapi_following`: `x` fails (string index out of range)",
        ),
    ],
    ids=range(4),
)
def test_wrong_stream_map(sandbox: Sandbox, maps: Any, says: str) -> None:
    result = run(settings(sandbox, ["ann"], "rapidapi", stream_maps=maps))
    assert (result.exit_code, result.stdout, sandbox.requests) == (1, "", [])
    assert result.last_line == f"The config has a problem: {says}."


def test_key_column_that_is_removed_is_refused(sandbox: Sandbox) -> None:
    maps = {"rapidapi_following": {"user_id": None}}
    result = run(settings(sandbox, ["ann"], "rapidapi", stream_maps=maps))
    assert (result.exit_code, sandbox.requests) == (1, [])
    assert "Removing key property 'user_id' is not permitted" in result.last_line


def test_every_wrong_expression_is_listed_once(sandbox: Sandbox, tmp_path: Path) -> None:
    maps = {
        "*_following": {"a": "usrname", "b": "username", "c": "len(bio)"},
        "rapidapi_scans": {"__else__": None, "d": "outcom"},
    }
    config = settings(sandbox, ["ann"], "rapidapi", stream_maps=maps)
    result = finish(start(tmp_path, config))
    assert (result.exit_code, result.stdout, sandbox.requests) == (1, "", [])
    assert "Traceback" not in result.stderr
    assert result.last_line.startswith("The config has 3 problems: ")
    assert all(f"`{column}` fails" in result.last_line for column in "acd")


def test_right_stream_maps_are_applied(sandbox: Sandbox) -> None:
    """Filtered nulls, hashed keys, an alias, a copy and a provider without credentials."""
    sandbox.world = World.of({"ann": follows_of("ann", 2)})
    maps = {
        "rapidapi_following": {
            "__alias__": "follows",
            "__filter__": "bio != None",
            "bio": "str(bio).upper()",
            "share": "followers / (following - 1)",
            "follower_username": "md5(config['salt'] + follower_username)",
        },
        "copy": {
            "__source__": "rapidapi_following",
            "__key_properties__": None,
            "n": "position",
        },
        "rapidapi_scans": {"__key_properties__": ["id"], "id": "md5(follower_username)"},
        "research_following": {"name": "display_name"},
        "__else__": None,
    }
    more = {"stream_maps": maps, "stream_map_config": {"salt": "s"}}
    result = run(settings(sandbox, ["ann"], "rapidapi", **more))
    assert result.exit_code == 0
    assert len(result.records("copy")) == 2
    assert all(len(r["follower_username"]) == 32 for r in result.records("follows"))
    assert [row["follower_username"] for row in result.records("rapidapi_scans")] == ["ann"]


def test_expression_that_fails_for_a_value_ends_the_run_in_one_sentence(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 2)})
    maps = {"rapidapi_following": {"number": "int(follower_username)"}}
    config = settings(sandbox, ["ann"], "rapidapi", stream_maps=maps)
    result = finish(start(tmp_path, config))
    assert result.exit_code == 1
    assert result.last_line == (
        "rapidapi_following: `stream_maps` fails for a record (ValueError): correct the "
        "expression; the next run continues from the last saved state."
    )
    assert "Traceback" not in result.stderr
