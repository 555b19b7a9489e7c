"""The command `tap-tiktok-following`."""

from __future__ import annotations

import json
import os
import sys
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tap_tiktok_following import outputs
from tap_tiktok_following.config.settings import SETTINGS
from tap_tiktok_following.exits import Ended
from tap_tiktok_following.tap import TapTikTokFollowing

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> None:
    """Run the tap; what its user can get wrong ends it with one sentence and exit code 1."""
    outputs.prepare()
    try:
        TapTikTokFollowing.cli(prog_name=TapTikTokFollowing.name)
    except Ended as ended:
        _fail(ended.sentence, ended.code)
    except Exception:
        # The SDK lets these two come out as they are, in ways that differ by library.
        arguments = sys.argv[1:]
        problems = [*_variable_problems(arguments), *_file_problems(arguments)]
        if not problems:
            raise
        _fail("; ".join(problems) + ".")


def _variable_problems(arguments: list[str]) -> Iterator[str]:
    if not any(argument in {"ENV", "--config=ENV"} for argument in arguments):
        return
    prefix = TapTikTokFollowing.name.upper().replace("-", "_")
    for name, schema in SETTINGS.to_dict()["properties"].items():
        variable = f"{prefix}_{name.upper()}"
        digits = os.environ.get(variable, "0").strip().lstrip("+-")
        if "integer" in schema["type"] and not digits.isdigit():
            yield f"{variable} has to be a whole number"


def _file_problems(arguments: list[str]) -> Iterator[str]:
    split = [argument.partition("=") for argument in arguments]
    with_value = ((option, value) for option, equals, value in split if equals)
    for option, path in chain(with_value, pairwise(arguments)):
        is_file = option in {"--config", "--state", "--catalog"} and path != "ENV"
        if is_file and (problem := _file_problem(Path(path))):
            yield f"{path}, given by {option}, {problem}"


def _file_problem(path: Path) -> str:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        return f"can't be read ({error.strerror})"
    except ValueError:
        return "is not JSON"
    return "" if isinstance(content, dict) else "holds no JSON object"


def _fail(sentence: str, exit_code: object = 1) -> NoReturn:
    TapTikTokFollowing.logger.error("%s", sentence)
    raise SystemExit(exit_code)


if __name__ == "__main__":
    main()
