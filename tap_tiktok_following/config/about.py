"""What `--about` and `--help` say about the settings."""

from __future__ import annotations

from dataclasses import replace
from textwrap import fill
from typing import TYPE_CHECKING, Any

from singer_sdk.about import TextFormatter
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.about import AboutInfo

_WIDTH = 95


def help_on(settings: Iterable[str]) -> str:
    """A paragraph for `--help`."""
    return (
        "Settings are read from the JSON file that --config names, or with --config ENV from "
        "environment variables such as TAP_TIKTOK_FOLLOWING_USERNAMES. --about describes "
        f"each of them: {', '.join(settings)}."
    )


class SettingsFormatter(TextFormatter, format_name="text"):
    """The text of `--about` without a format: the SDK's, with setting descriptions."""

    @override
    def format_about(self, about_info: AboutInfo) -> str:
        """What the SDK says about the tap, then each setting."""
        lines = [super().format_about(replace(about_info, settings={})).rstrip()]
        for name, schema in about_info.settings["properties"].items():
            lines += _setting(f"{about_info.env_var_prefix}{name.upper()}", name, schema)
        return "\n".join(lines)


def _setting(variable: str, name: str, schema: dict[str, Any]) -> Iterator[str]:
    kind = " or ".join(schema["enum"]) if "enum" in schema else _type(schema)
    default = f", default {schema['default']}" if "default" in schema else ""
    yield f"\n{name} ({kind}{default})"
    yield f"    {variable}"
    indent = " " * 4
    text = " ".join(schema.get("description", "").split())
    yield fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _type(schema: dict[str, Any]) -> str:
    return str(schema["type"][0]) if "type" in schema else "string or list"
