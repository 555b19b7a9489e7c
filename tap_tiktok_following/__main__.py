"""The command `tap-tiktok-following`."""

from __future__ import annotations

import json
import os
import sys
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tap_tiktok_following import outputs
from tap_tiktok_following.config.settings import VARIABLES
from tap_tiktok_following.errors import Ended
from tap_tiktok_following.tap import TapTikTokFollowing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_READERS: dict[str, Callable[[str], object]] = {"integer": int, "object": json.loads}
"""How the SDK parses environment variables by type; its errors do not name the variable."""


def main() -> None:
    """Run the tap; a mistake of the user ends it with one sentence and exit code 1."""
    outputs.prepare()
    try:
        with outputs.writing():
            TapTikTokFollowing.cli(prog_name=TapTikTokFollowing.name)
    except Ended as ended:
        _fail(ended.sentence, ended.code)
    except Exception:
        # The SDK lets through whatever reading a file or a variable raised.
        arguments = sys.argv[1:]
        problems = [*_variable_problems(arguments), *_file_problems(arguments)]
        if not problems:
            raise
        _fail("; ".join(problems) + ".")


def _variable_problems(arguments: list[str]) -> Iterator[str]:
    if not any(argument in {"ENV", "--config=ENV"} for argument in arguments):
        return
    for name, schema in TapTikTokFollowing.config_jsonschema["properties"].items():
        variable = f"{VARIABLES}{name.upper()}"
        kind, value = schema.get("type", [""])[0], os.environ.get(variable)
        if value is not None and kind in _READERS and not _is_read(value, _READERS[kind]):
            yield f"{variable} must be {'an object' if kind == 'object' else 'a whole number'}"


def _is_read(value: str, reader: Callable[[str], object]) -> bool:
    try:
        reader(value)
    except ValueError:
        return False
    return True


def _file_problems(arguments: list[str]) -> Iterator[str]:
    split = [argument.partition("=") for argument in arguments]
    with_value = ((option, value) for option, equals, value in split if equals)
    for option, path in chain(with_value, pairwise(arguments)):
        is_file = option in {"--config", "--catalog"} and path != "ENV"
        if is_file and (problem := _file_problem(Path(path))):
            yield f"{path}, given by {option}, {problem}"


def _file_problem(path: Path) -> str:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        return f"can't be read ({error.strerror})"
    except ValueError:
        return "is not JSON in UTF-8"
    return "" if isinstance(content, dict) else "is not a JSON object"


def _fail(sentence: str, exit_code: object = 1) -> NoReturn:
    TapTikTokFollowing.logger.error("%s", sentence)
    raise SystemExit(exit_code)


if __name__ == "__main__":
    main()
