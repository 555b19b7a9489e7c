"""Write settings and columns from the code into the documentation; `make docs` runs this.

    python docs/generate.py [FOLDER]

In each file, the text between a line with `make docs: NAME` and one with `make docs: end` is
replaced. FOLDER is the root of the repository.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml

from tap_tiktok_following.config.settings import GROUPS, SETTINGS, VARIABLES
from tap_tiktok_following.tap import TapTikTokFollowing

FILES = (
    ".env.example",
    "docs/settings.md",
    "docs/streams.md",
    "meltano.yml",
    "tap-tiktok-following.yml",
)

GIVEN = ("usernames_path", *(setting.name for setting in GROUPS["Credentials"]))
"""Settings that are no comment in .env.example: to be filled in."""

EXAMPLES = {
    "usernames": ["charlidamelio", "khaby.lame"],
    "usernames_path": "usernames.csv",
    "shard": "3/8",
    "start_date": "2026-01-31T00:00:00Z",
    "responses_path": "output/follows.responses",
    "research_max_requests": 20000,
    "rapidapi_max_requests": 5000,
    "full_scan_after_days": 30,
    "user_agent": "my-research/1.0",
}
"""Values in .env.example of settings without a default."""

IN_MELTANO = {
    "responses_path": "output/$MELTANO_ENVIRONMENT.$MELTANO_EXTRACTOR_NAME.responses"
}
"""Defaults that only Meltano can fill in: a file per environment and plugin."""

_BLOCK = re.compile(r"(.*make docs: (?!end)(\w+).*\n)[\s\S]*?(.*make docs: end)")


def main(root: Path) -> None:
    """Write all files below a folder anew."""
    blocks = make_blocks()
    for name in FILES:
        path = root / name
        text = path.read_text(encoding="utf-8")
        path.write_text(
            _BLOCK.sub(lambda found: found[1] + blocks[found[2]] + found[3], text),
            encoding="utf-8",
        )


def make_blocks() -> dict[str, str]:
    """Return the generated texts by name."""
    streams = TapTikTokFollowing(validate_config=False).streams
    columns = {name: [*s.schema["properties"].items()] for name, s in streams.items()}
    research, rapidapi = columns["research_following"], columns["rapidapi_following"]
    shared = sum(
        1
        for _ in takewhile(
            lambda pair: pair[0] == pair[1], zip(research, rapidapi, strict=False)
        )
    )
    return {
        "settings": "".join(_settings_tables()) + "\n",
        "following": _columns_table(research[:shared]),
        "research": _columns_table(research[shared:]),
        "rapidapi": _columns_table(rapidapi[shared:]),
        "scans": _columns_table(columns["research_scans"]),
        "project": indent(_meltano_settings("string"), " " * 4),
        "hub": _meltano_settings("password"),
        "environment": "\n".join(_environment()),
    }


def _settings_tables() -> Iterator[str]:
    schemas = SETTINGS.to_dict()["properties"]
    for group, settings in GROUPS.items():
        yield f"\n## {group}\n"
        yield _table(
            ("Setting", "Default", "What it does"),
            (
                (f"`{setting.name}`", _default(schema), schema["description"])
                for setting in settings
                for schema in [schemas[setting.name]]
            ),
        )


def _default(schema: Mapping[str, Any]) -> str:
    return f"`{json.dumps(schema['default']).strip(chr(34))}`" if "default" in schema else ""


def _columns_table(columns: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    rows = (
        (
            f"`{name}`",
            "time" if schema.get("format") == "date-time" else schema["type"][0],
            schema["description"],
        )
        for name, schema in columns
    )
    return _table(("Column", "Type", "Meaning"), rows) + "\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head, *body = (f"| {' | '.join(cells)} |\n" for cells in (header, *rows))
    return "".join(("\n", head, "|---" * len(header), "|\n", *body))


def _meltano_settings(secret: str) -> str:
    """The settings as Meltano describes them.

    Args:
        secret: The kind of a secret, which the Hub and a project name differently.
    """
    TapTikTokFollowing.append_builtin_config(TapTikTokFollowing.config_jsonschema)
    schemas = dict(TapTikTokFollowing.config_jsonschema["properties"])
    faker = schemas.pop("faker_config")["properties"]
    schemas |= {f"faker_config.{name}": schema for name, schema in faker.items()}
    settings = [_meltano_setting(name, schema, secret) for name, schema in schemas.items()]
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=95)


def _meltano_setting(name: str, schema: Mapping[str, Any], secret: str) -> dict[str, Any]:
    setting = {
        "name": name,
        "label": schema["title"],
        "kind": secret if schema.get("secret") else _kind(schema),
        "description": schema["description"],
    }
    if "enum" in schema:
        setting["options"] = [{"label": v.capitalize(), "value": v} for v in schema["enum"]]
    default = IN_MELTANO.get(name, schema.get("default"))
    if default is not None:
        setting["value"] = default
    if schema.get("secret"):
        setting["sensitive"] = True
    return setting


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "options"
    if schema.get("format") == "date-time":
        return "date_iso8601"
    types = [choice["type"] for choice in schema.get("oneOf", ())]
    if types:
        return "array" if "array" in types else "string"
    return str(schema["type"][0])


def _environment() -> Iterator[str]:
    """The lines of .env.example."""
    schemas = SETTINGS.to_dict()["properties"]
    for group, settings in GROUPS.items():
        yield f"\n# {group}"
        for name in (setting.name for setting in settings):
            value = EXAMPLES.get(name, schemas[name].get("default", ""))
            text = value if isinstance(value, str) else json.dumps(value)
            quote = "'" if isinstance(value, list) else ""
            mark = "" if name in GIVEN else "# "
            yield f"{mark}{VARIABLES}{name.upper()}={quote}{text}{quote}"
    yield ""


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
