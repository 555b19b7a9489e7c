"""The tap: its streams, its config, its state, and how a run ends."""

from __future__ import annotations

import atexit
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import IO, Any, ClassVar

import click
from singer_sdk import Tap
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.helpers.capabilities import (
    CapabilitiesEnum,
    PluginCapabilities,
    TapCapabilities,
)
from singer_sdk.plugin_base import JSONSchemaValidator
from typing_extensions import override

from tap_tiktok_following import text
from tap_tiktok_following.config import settings, usernames, validation
from tap_tiktok_following.config.usernames import Usernames
from tap_tiktok_following.errors import Ended, Interrupted
from tap_tiktok_following.output import MessageWriter, StateWriter, Termination
from tap_tiktok_following.providers import PROVIDERS
from tap_tiktok_following.run.report import make_table
from tap_tiktok_following.state import envelope
from tap_tiktok_following.state.entry import sanitise
from tap_tiktok_following.state.responses import ResponseFile
from tap_tiktok_following.streams.base import ProviderStream
from tap_tiktok_following.streams.following import FollowingStream
from tap_tiktok_following.streams.scans import ScansStream


class TapTikTokFollowing(Tap):
    """Extract who thousands of TikTok accounts follow, and when each follow happened."""

    name = "tap-tiktok-following"
    config_jsonschema: ClassVar[dict[str, Any]] = settings.SETTINGS.to_dict()
    message_writer_class = MessageWriter
    message_writer: MessageWriter
    usernames = Usernames([], [])
    # Batches bypass stream maps, and rows of earlier runs stay valid.
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        capability
        for capability in Tap.capabilities
        if capability not in {PluginCapabilities.BATCH, TapCapabilities.ACTIVATE_VERSION}
    ]

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401 - the SDK's own
        text.redact_logs()
        self._reads_variables: bool = arguments.get("parse_env_config", False)
        self.termination = Termination()
        self.ran: list[FollowingStream] = []
        self.failed_tests: list[Ended] = []
        super().__init__(**arguments)
        # The SDK makes its own here, and has no hook for another.
        self._state_writer = StateWriter(self.message_writer)
        self.termination.output = self.message_writer

    @override
    def discover_streams(self) -> Sequence[ProviderStream]:
        """Both streams of each provider whose credentials are given; of all if none are."""
        configured = [each for each in PROVIDERS if each.is_configured(self.config)]
        following = [FollowingStream(self, each) for each in configured or PROVIDERS]
        streams = [*following, *map(ScansStream, following)]
        names = {stream.name for stream in streams}
        for entry in self.input_catalog.streams if self.input_catalog else ():
            if entry.metadata.root.selected and entry.tap_stream_id not in names:
                self.logger.warning(
                    "`%s` is selected in the catalog, but no credentials for its provider are "
                    "configured: it is skipped.",
                    entry.tap_stream_id,
                )
        return streams

    @cached_property
    def responses(self) -> ResponseFile | None:
        """The response file, opened when it is first asked for; None if there is none."""
        path = self.config.get("responses_path")
        if not path:
            return None
        file = ResponseFile(Path(path))
        atexit.register(file.close)  # which waits for a response that is being stored
        return file

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Load a state, even one of an older version or edited by hand."""
        super().load_state(sanitise(state))

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """Return the command; `--state` takes any file that contains a state."""
        command = super().get_singer_command()
        [state] = [option for option in command.params if option.name == "state"]
        state.type, state.callback = click.File("rb"), _bare_state
        command.help = cls.__doc__
        return command

    @property
    def shows_bar(self) -> bool:
        """Whether progress is shown as a bar: stderr is a terminal that is free for it."""
        return bool(sys.stderr) and sys.stderr.isatty() and not sys.stdout.isatty()

    def announce(self) -> None:
        """Log what is read and what it will cost."""
        if self.usernames.malformed:
            self.logger.warning(
                "`usernames_path` contains entries that are not usernames; skipped: %s",
                text.some_of(self.usernames.malformed),
            )
        costs = []
        for stream in self.streams.values():
            if isinstance(stream, FollowingStream) and stream.is_read:
                self.logger.info("%s: %s", stream.name, stream.run.report.describe_plan())
                costs.append(stream.run.cost)
        least, most, *times = map(sum, zip(*costs, strict=True))
        requests = (
            text.many(most, "request") if least == most else f"{least:,} to {most:,} requests"
        )
        durations = dict.fromkeys(map(text.duration, times))
        self.logger.info("This run takes %s (%s).", requests, " to ".join(durations))

    def end_run(self) -> None:
        """Close the response file, and log what was read and what was not.

        Raises:
            Ended: If the exit code is not 0.
        """
        for stream in self.ran:
            if stream.run.responses is not None:
                stream.run.responses.close()
            stream.log_reasons()
        if self.ran:
            columns = os.get_terminal_size(2).columns if self.shows_bar else sys.maxsize
            rows = [stream.run.report.row() for stream in self.ran]
            self.logger.info("Summary:\n%s", make_table(rows, columns))
            self.logger.info("%s", self._unfollows)
        endings = [ending for stream in self.ran for ending in stream.endings()]
        if self.termination.signum:
            sentence = f"Stopped by {self.termination.name}: {Interrupted.advice}."
            endings.append(Ended(sentence, self.termination.exit_code))
        endings.sort(key=attrgetter("weight"))
        for ending in endings:
            if ending is endings[-1] and ending.exit_code:
                raise ending
            self.logger.warning("%s", ending.sentence)
        if self.ran and not endings:
            self.logger.info("All lists that were due were read: run again for new follows.")
        elif not self.ran and any(stream.selected for stream in self.streams.values()):
            self.logger.warning(
                "Nothing was read, because only scans streams are selected: select the "
                "following stream of the provider, too."
            )

    @property
    def _unfollows(self) -> str:
        """Whether unfollows are looked for."""
        days = self.config.get("full_scan_after_days")
        if days is None and not self.config["full_scan_on_loss"]:
            return (
                "Unfollows are not looked for: set `full_scan_after_days` to read whole lists "
                "again after a number of days."
            )
        known = {
            None: "lists that lost accounts are read in full",
            0: "every scan reads the whole list",
            1: "each list is read in full every day",
        }
        how = known.get(days, f"each list is read in full every {days} days")
        return f"Unfollows are looked for: {how}."

    def end_test(self) -> None:
        """End `--test` after its last stream.

        Raises:
            Ended: If a provider did not pass the test.
        """
        if self.failed_tests:
            worst = max(self.failed_tests, key=attrgetter("weight"))
            sentence = " ".join(ending.sentence for ending in self.failed_tests)
            raise Ended(sentence, worst.exit_code)

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """List every problem at once, without values: the SDK's messages print secrets."""
        self._config = {k: v for k, v in self._config.items() if v is not None}
        for setting in settings.SECRETS:
            text.hide(self._config.get(setting))
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        errors = list(JSONSchemaValidator(schema).iter_errors(self._config))
        wrong = {error.path[0] for error in errors}
        usable = {k: v for k, v in self._config.items() if k not in wrong}
        known = schema["properties"]
        variables = settings.variables() if self._reads_variables else {}
        found = [validation.in_words(error, known, variables) for error in errors]
        found += validation.unknown(self._config, known)
        if raise_errors:  # discovery asks for no usernames, whose file may be far away
            self.usernames = usernames.collect(usable)
            found += validation.problems(usable, wrong, self.usernames)
            _raise_if_any(found)
        return found

    @classproperty
    @override
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805
        """Read the environment: the SDK stops at a number that is none, or is empty."""
        cls.append_builtin_config(cls.config_jsonschema)
        return settings.from_environment(cls.config_jsonschema["properties"])

    @override
    def setup_mapper(self) -> None:
        """Try the stream maps before the first request."""
        maps = self.config.get("stream_maps") or {}
        _raise_if_any(validation.stream_map_problems(maps, self.config, self.catalog))
        super().setup_mapper()

    @override
    def _setup_signal_handlers(self) -> None:
        """Install our own handlers: the SDK's writes a state and exits with 0."""
        self.termination.install()


def _bare_state(_: click.Context, __: click.Parameter, file: IO[bytes] | None) -> object:
    """The bare state in the file given by `--state`, as a file that the SDK reads."""
    if file is None:
        return None
    try:
        return io.StringIO(json.dumps(envelope.read(file.read())))
    except ValueError as problem:
        sentence = f"{file.name}, given by --state, {problem}."
        raise Ended(sentence) from None


def _raise_if_any(problems: Iterable[str]) -> None:
    """Raise `Ended` if there are problems, with each of them once."""
    found = list(dict.fromkeys(problems))
    if found:
        what = "a problem" if len(found) == 1 else f"{len(found)} problems"
        sentence = f"The config has {what}: {'; '.join(found)}."
        raise Ended(sentence)
