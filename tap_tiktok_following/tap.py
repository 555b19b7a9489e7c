"""The tap: its streams, its config, its state, and how a run ends."""

from __future__ import annotations

import atexit
import io
import json
import logging
from operator import attrgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk import Tap
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.plugin_base import JSONSchemaValidator
from typing_extensions import override

from tap_tiktok_following import redaction
from tap_tiktok_following.config import about, settings, usernames, validation
from tap_tiktok_following.config.usernames import Usernames
from tap_tiktok_following.crawl.summary import table
from tap_tiktok_following.errors import Ended, Interrupted
from tap_tiktok_following.live import LiveLine, Part, is_terminal, terminal_columns
from tap_tiktok_following.providers import PROVIDERS
from tap_tiktok_following.signals import Termination
from tap_tiktok_following.state import envelope
from tap_tiktok_following.state.answers import Answers
from tap_tiktok_following.state.entries import sanitise
from tap_tiktok_following.streams.following import FollowingStream
from tap_tiktok_following.streams.scans import ScansStream
from tap_tiktok_following.writer import MessageWriter, StateWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from singer_sdk.helpers.capabilities import CapabilitiesEnum

    from tap_tiktok_following.streams.base import ProviderStream


class TapTikTokFollowing(Tap):
    """Extract who thousands of TikTok accounts follow, and when each follow happened."""

    name = "tap-tiktok-following"
    config_jsonschema: ClassVar[dict[str, Any]] = settings.SETTINGS.to_dict()
    message_writer_class = MessageWriter
    message_writer: MessageWriter
    usernames = Usernames([], [])
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401 - the SDK's own
        redaction.install()
        self._reads_variables: bool = arguments.get("parse_env_config", False)
        self.termination = Termination()
        self.failed_tests: list[Ended] = []
        self._answers: Answers | None = None
        self.live = LiveLine(self._live_parts)
        super().__init__(**arguments)
        # The SDK makes its own here, and has no hook for another.
        self._state_writer: StateWriter = StateWriter(self.message_writer)
        self.termination.output = self.message_writer

    @override
    def discover_streams(self) -> Sequence[ProviderStream]:
        """Both streams of each provider whose credentials are given; of all if none are."""
        configured = [
            provider for provider in PROVIDERS if provider.is_configured(self.config)
        ]
        streams: list[ProviderStream] = []
        for provider in configured or PROVIDERS:
            following = FollowingStream(self, provider)
            streams += [following, ScansStream(following)]
        self._warn_of_missing({stream.name for stream in streams})
        return streams

    def _warn_of_missing(self, there: set[str]) -> None:
        for entry in self.input_catalog.streams if self.input_catalog else ():
            if entry.metadata.root.selected and entry.tap_stream_id not in there:
                self.logger.warning(
                    "`%s` is selected in the catalog, but no credentials for its provider are "
                    "configured: it is skipped.",
                    entry.tap_stream_id,
                )

    @property
    def answers(self) -> Answers | None:
        """The file of answers, opened before the first request; None if none is kept.

        Raises:
            Ended: If the file can't be used.
        """
        path = self.config.get("responses_path")
        is_kept = any(stream.keeps_answers for stream in self._following)
        if self._answers is None and path and is_kept:
            self._answers = Answers(Path(path))
            atexit.register(self._answers.close)
        return self._answers

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Load a state, even one of an older version or edited by hand."""
        super().load_state(sanitise(state))

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """The command, with a help text about the settings."""
        command = super().get_singer_command()
        for parameter in command.params:
            if parameter.name == "state":
                parameter.type = click.File("rb")
                parameter.callback = _bare_state
        command.help = cls.__doc__
        command.epilog = about.help_on(cls.config_jsonschema["properties"])
        return command

    def flush(self) -> None:
        """Write all buffered messages to stdout."""
        self.message_writer.flush()

    def write_state(self) -> None:
        """Write a STATE message now; the records that it covers must be written."""
        self._state_writer.write_state(self.state)

    @property
    def state_size(self) -> int:
        """Bytes of the last STATE message; 0 before the first."""
        return self._state_writer.size

    def is_selected(self, stream: str) -> bool:
        """Whether a stream exists and is selected."""
        return stream in self.streams and self.streams[stream].selected

    def end_run(self) -> None:
        """Close the file of answers, and log what was read and what was not.

        Raises:
            Ended: If the exit code is not 0.
        """
        if self._answers is not None:
            self._answers.close()
        self.live.stop()
        for stream in self._following:
            stream.log_reasons()
        if rows := {s.label: s.row for s in self._following if s.row}:
            columns = terminal_columns() if is_terminal() else None
            self.logger.info("Summary:\n%s", table(rows, columns))
        endings = [ending for stream in self._following for ending in stream.endings()]
        if self.termination.signum:
            terminated = f"Stopped by {self.termination.name}: {Interrupted.advice}."
            endings.append(Ended(terminated, self.termination.exit_code))
        endings.sort(key=attrgetter("weight"))
        if endings and (last := endings[-1]).exit_code:
            self._warn_of(endings[:-1])
            raise last
        self._warn_of(endings)
        if rows and not endings:
            self.logger.info("All due usernames were visited: run again for new follows.")

    @property
    def _following(self) -> list[FollowingStream]:
        return [s for s in self.streams.values() if isinstance(s, FollowingStream)]

    def watch(self) -> None:
        """On a terminal, show a live line for the whole run and hide the SDK's metrics."""
        self.live.start()
        if self.live.is_on:
            self.metrics_logger.setLevel(logging.WARNING)

    def _live_parts(self) -> Iterator[Part]:
        for stream in self._following:
            yield from stream.live_parts()
        if self.message_writer.is_waiting():
            yield Part(8, "waiting for the target")
        if self.termination.signum:
            yield Part(9, f"stopping ({self.termination.name})")

    def _warn_of(self, endings: Iterable[Ended]) -> None:
        for ending in endings:
            self.logger.warning("%s", ending.sentence)

    def end_test(self, stream: ProviderStream) -> None:
        """End `--test`, if this is its last stream.

        Raises:
            Ended: If a provider did not pass the test.
        """
        if self.failed_tests and stream is list(self.streams.values())[-1]:
            worst = max(self.failed_tests, key=attrgetter("weight"))
            sentences = [ending.sentence for ending in self.failed_tests]
            raise Ended(" ".join(sentences), worst.exit_code)

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """List every problem at once, without values: the SDK's messages print secrets."""
        self._config = {
            name: value for name, value in self._config.items() if value is not None
        }
        for setting in settings.SECRETS:
            redaction.hide(self._config.get(setting))
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        errors = list(JSONSchemaValidator(schema).iter_errors(self._config))
        wrong = {error.path[0] for error in errors if error.path}
        usable = {name: value for name, value in self._config.items() if name not in wrong}
        variables = validation.in_environment() if self._reads_variables else ()
        for warning in validation.unknown([*self._config, *variables], schema["properties"]):
            self.logger.warning("%s", warning)
        found = list(dict.fromkeys(map(validation.in_words, errors)))
        if raise_errors:  # discovery asks for no usernames, whose file may be far away
            self.usernames = usernames.collect(usable)
            found += validation.of(usable, wrong, self.usernames)
            if found:
                raise Ended(_listed(found))
        return found

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
    except envelope.NoState as problem:
        sentence = f"{file.name}, given by --state, {problem}."
        raise Ended(sentence) from None


def _listed(problems: list[str]) -> str:
    if len(problems) == 1:
        return f"The config has a problem: {problems[0]}."
    return f"The config has {len(problems)} problems: {'; '.join(problems)}."
