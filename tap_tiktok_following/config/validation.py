"""Problems in a config, one clause each, without the values of settings."""

from __future__ import annotations

import fnmatch
import json
import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from difflib import get_close_matches
from functools import partial
from itertools import chain, permutations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from jsonschema import ValidationError
from singer_sdk.mapper import PluginMapper, StreamMapsDict
from singer_sdk.singerlib.catalog import Catalog

from tap_tiktok_following.config import usernames
from tap_tiktok_following.config.settings import CREDENTIALS, RENAMED, VARIABLES
from tap_tiktok_following.config.usernames import Usernames
from tap_tiktok_following.http import environment_problem
from tap_tiktok_following.providers import PROVIDERS, Provider
from tap_tiktok_following.text import clean, parse_time

logger = logging.getLogger(__name__)

_SAMPLES = {"boolean": True, "integer": 1, "string": "2026-01-31T00:00:00+00:00"}
_TYPES = {
    "array": "a list of strings",
    "boolean": "true or false",
    "integer": "a whole number",
    "object": "an object",
    "string": "a string",
}


def file_problem(path: Path, option: str) -> str:
    """Return why the file of `--config` or `--catalog` cannot be used; "" if it can."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if option == "--catalog":
            Catalog.from_dict(content)
    except OSError as error:
        return f"can't be read ({error.strerror})"
    except json.JSONDecodeError as error:
        return f"is not JSON ({error.msg}, line {error.lineno}, column {error.colno})"
    except UnicodeDecodeError:
        return "is not JSON in UTF-8"
    except (AttributeError, LookupError, TypeError, ValueError):
        return "is not a catalog as `--discover` prints it"
    return "" if isinstance(content, dict) else "is not a JSON object"


def in_words(
    error: ValidationError, schemas: Mapping[str, Any], variables: Collection[str]
) -> str:
    """Return the problem with a setting, without its value, which may be a secret."""
    name = str(error.path[0])
    if len(error.path) > 1 and schemas[name]["type"][0] == "object":
        part = ".".join(map(str, error.path))
        return f"`{part}` has the wrong type (see the documentation of the Singer SDK)"
    setting = f"{VARIABLES}{name.upper()}" if name in variables else f"`{name}`"
    return f"{setting} must be {_expected(schemas[name])}"


def _expected(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    kind = _TYPES[schema["type"][0]]
    if "maximum" in schema:
        return f"{kind} from {schema['minimum']} to {schema['maximum']}"
    return f"{kind} of {schema['minimum']} or more" if "minimum" in schema else kind


def unknown(given: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """Return problems with settings that do not exist; others are ignored with a warning.

    A misspelt limit would be no limit, and an old name has no effect.
    """
    for name in sorted(set(given).difference(known)):
        close = get_close_matches(name.lower(), known, n=1, cutoff=0.7)
        if renamed := RENAMED.get(name.lower()):
            yield f"`{name}` is now called `{renamed}`"
        elif close:
            yield f"`{name}` is not a setting (did you mean `{close[0]}`?)"
        else:
            logger.warning("`%s` is not a setting and is ignored.", name)


def problems(
    config: Mapping[str, Any], wrong: AbstractSet[object], asked_for: Usernames
) -> Iterator[str]:
    """Return problems with settings whose types are right; `wrong` names the others."""
    if wrong.isdisjoint({"usernames", "usernames_path"}):
        yield from _username_problems(config, asked_for)
    yield from _credential_problems(config, wrong)
    if re.search(r"[^ -~]", config.get("user_agent") or ""):
        yield "`user_agent` contains a character that is not allowed in a header"
    if config.get("shard") and usernames.parse_shard(config["shard"]) is None:
        yield "`shard` must be a number and the number of shards, such as 3/8"
    if config.get("start_date") and parse_time(config["start_date"]) is None:
        yield "`start_date` must be a time such as 2026-01-31T00:00:00Z"
    for provider in PROVIDERS:
        if provider.url_setting not in wrong:
            yield from _connection_problems(provider, config)


def _username_problems(config: Mapping[str, Any], asked_for: Usernames) -> Iterator[str]:
    listed, path = config.get("usernames") or [], config.get("usernames_path")
    for entry in listed:
        if usernames.parse(entry) is None:
            yield f"`usernames` contains '{usernames.show(entry)}', which is not a username"
    if path and asked_for.problem:
        yield f"`usernames_path` ({usernames.without_credentials(path)}) {asked_for.problem}"
    elif not listed and not path:
        yield "no usernames are configured (set `usernames` or `usernames_path`)"


def _credential_problems(
    config: Mapping[str, Any], wrong: AbstractSet[object]
) -> Iterator[str]:
    for setting in CREDENTIALS:
        if re.search(r"[^!-~]", config.get(setting) or ""):
            yield f"`{setting}` contains a character that is not allowed in a key"
    ways = [names for provider in PROVIDERS for names in provider.credentials]
    for setting, other in chain.from_iterable(permutations(names, 2) for names in ways):
        if config.get(setting) and not config.get(other) and other not in wrong:
            yield f"`{setting}` is set without `{other}`"
    if wrong.isdisjoint(CREDENTIALS) and not any(config.get(name) for name in CREDENTIALS):
        choices = (" and ".join(f"`{name}`" for name in names) for names in ways)
        yield f"no credentials are configured (set {', or '.join(choices)})"


def _connection_problems(provider: type[Provider], config: Mapping[str, Any]) -> Iterator[str]:
    setting, url = provider.url_setting, config[provider.url_setting]
    try:
        requests.Request("GET", url).prepare()
    except ValueError:
        url = ""
    parts = urlsplit(url)
    # Its host is a header, too.
    if not parts.hostname or parts.scheme not in {"http", "https"} or not url.isascii():
        yield f"`{setting}` must be a URL such as https://example.com"
    elif parts.username is not None or parts.query or parts.fragment:
        yield f"`{setting}` must be a base URL without user, query and fragment"
    elif not usernames.is_safe(url):
        yield f"`{setting}` must start with https://"
    elif provider.is_configured(config) and (problem := environment_problem(url)):
        yield problem


def stream_map_problems(
    maps: Mapping[str, Any], config: Mapping[str, Any], catalog: Catalog
) -> Iterator[str]:
    """Try each expression of `stream_maps` on a full record and on one with nulls."""
    streams = [f"{p.name}_{kind}" for p in PROVIDERS for kind in ("following", "scans")]
    for name, definition in maps.items():
        parts = definition if isinstance(definition, dict) else {}
        source = parts.get("__source__", name)
        if name != "__else__" and not fnmatch.filter(streams, source):
            choices = ", ".join(f"`{stream}`" for stream in streams)
            yield f"`stream_maps` names `{name}`, which is not a stream ({choices})"
            continue
        attempt, found = partial(_try, config, catalog), []
        for column, expression in parts.items():
            is_expression = column == "__filter__" or not column.startswith("__")
            if is_expression and isinstance(expression, str) and expression != "__NULL__":
                trial = {"__source__": source, column: expression}
                filtered = {"__filter__": parts.get("__filter__"), **trial}
                if problem := attempt({name: trial}) or attempt({name: filtered}, nulls=True):
                    found.append(f"`{column}` {problem}")
        if not found and (problem := attempt({name: definition})):
            found = [f"it {problem}"]
        yield from (f"`stream_maps` of `{name}`: {problem}" for problem in found)


def _try(
    config: Mapping[str, Any], catalog: Catalog, maps: StreamMapsDict, *, nulls: bool = False
) -> str:
    """Return why stream maps fail for a sample record; "" if they do not."""
    log = logging.getLogger(PluginMapper.__module__)
    log.disabled = True  # else it says of each trial what it found
    try:
        mapper = PluginMapper({**config, "stream_maps": maps}, log)
        mapper.register_raw_streams_from_catalog(catalog)
        for entry in catalog.streams:
            columns = entry.schema.to_dict()["properties"].items()
            sample = {column: _sample(s["type"], nulls=nulls) for column, s in columns}
            for stream_map in mapper.stream_maps[entry.tap_stream_id]:
                # A sample does not prove what depends on values.
                with suppress(ArithmeticError, IndexError, ValueError):
                    stream_map.transform(sample)
    except Exception as error:  # noqa: BLE001 - of whatever an expression does
        where = " where columns are null" if nulls else ""
        return f"fails{where} ({map_error(error)})"
    finally:
        log.disabled = False
    return ""


def map_error(error: Exception) -> str:
    """Return why a stream map fails, without values of records or settings."""
    cause = error.__cause__ or error
    if "'fake'" in str(cause):
        return "`fake` needs the package Faker: install `tap-tiktok-following[faker]`"
    if isinstance(cause, ValueError):
        return type(cause).__name__
    return clean(str(cause).rstrip("."), 200)


def _sample(types: Sequence[str], *, nulls: bool) -> object:
    return None if nulls and "null" in types else _SAMPLES[types[0]]
