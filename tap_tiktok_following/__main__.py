"""The command `tap-tiktok-following`."""

from __future__ import annotations

import json
import os
import sys
from typing import NoReturn

from tap_tiktok_following.errors import Ended
from tap_tiktok_following.settings import SETTINGS
from tap_tiktok_following.tap import TapTikTokFollowing


def main() -> None:
    """Run the tap; what its user can get wrong ends it with one sentence and exit code 1."""
    try:
        TapTikTokFollowing.cli(prog_name=TapTikTokFollowing.name)
    except Ended as ended:
        _fail(ended.sentence)
    except json.JSONDecodeError as error:
        _fail(f"a file given by --config, --state or --catalog is not JSON: {error}.")
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        _fail(f"{error.filename}: {error.strerror}.")
    except ValueError:
        if not (variables := _not_whole_numbers()):
            raise
        _fail(f"{' and '.join(variables)} has to be a whole number.")


def _not_whole_numbers() -> list[str]:
    """Environment variables of the tap that the SDK can't take for a number."""
    prefix = TapTikTokFollowing.name.upper().replace("-", "_")
    return [
        variable
        for name, schema in SETTINGS.to_dict()["properties"].items()
        if "integer" in schema["type"]
        and (variable := f"{prefix}_{name.upper()}") in os.environ
        and not os.environ[variable].strip().lstrip("+-").isdigit()
    ]


def _fail(sentence: str) -> NoReturn:
    TapTikTokFollowing.logger.error("%s", sentence)
    sys.exit(1)


if __name__ == "__main__":
    main()
