"""The tap: its streams, its config, its state, and how a run ends."""

from __future__ import annotations

import atexit
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Tap
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.plugin_base import JSONSchemaValidator
from typing_extensions import override

from tap_tiktok_following import redaction
from tap_tiktok_following.config import settings, usernames, validation
from tap_tiktok_following.exits import Ended, Ending
from tap_tiktok_following.providers import PROVIDERS
from tap_tiktok_following.signals import Termination
from tap_tiktok_following.state.answers import Answers
from tap_tiktok_following.state.entries import sanitise
from tap_tiktok_following.streams.following import FollowingStream
from tap_tiktok_following.streams.scans import ScansStream
from tap_tiktok_following.verdicts import Verdict
from tap_tiktok_following.writer import MessageWriter, StateWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from singer_sdk.helpers.capabilities import CapabilitiesEnum

    from tap_tiktok_following.config.usernames import Usernames
    from tap_tiktok_following.streams.base import ProviderStream


class TapTikTokFollowing(Tap):
    """Whom TikTok users follow, and since when, from the Research API and RapidAPI."""

    name = "tap-tiktok-following"
    config_jsonschema: ClassVar[dict[str, Any]] = settings.SETTINGS.to_dict()
    message_writer_class = MessageWriter
    message_writer: MessageWriter
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
        self.termination = Termination()
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
                    "`%s` is selected in the catalog, but its provider's credentials are not "
                    "given: it is not read.",
                    entry.tap_stream_id,
                )

    @cached_property
    def usernames(self) -> Usernames:
        """Whom to ask about.

        Raises:
            Ended: If the file of usernames went away since the config was validated.
        """
        try:
            return usernames.collect(self.config)
        except usernames.FileProblem as problem:
            sentence = f"`usernames_path` ({self.config['usernames_path']}) {problem}."
            raise Ended(sentence) from None

    @cached_property
    def answers(self) -> Answers | None:
        """The file of answers, opened before the first request; None if none is kept.

        Raises:
            Ended: If the file can't be used.
        """
        path = self.config.get("answers_path")
        following = (s for s in self.streams.values() if isinstance(s, FollowingStream))
        if not path or not any(stream.keeps_answers for stream in following):
            return None
        answers = Answers(Path(path))
        atexit.register(answers.close)
        return answers

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Load a state, also one that is older or was edited by hand."""
        super().load_state(sanitise(state))

    def flush(self) -> None:
        """Hand what was written so far to the target."""
        self.message_writer.flush()

    def write_state(self) -> None:
        """Write a STATE message now; the records it speaks of are written."""
        self._state_writer.write_state(self.state)

    @property
    def state_size(self) -> int:
        """Bytes of the last STATE message; 0 before the first."""
        return self._state_writer.size

    def is_selected(self, stream: str) -> bool:
        """Whether a stream is there and selected."""
        return stream in self.streams and self.streams[stream].selected

    def end_run(self) -> None:
        """Close the file of answers, and say what was read and what was not.

        Raises:
            Ended: If the exit code is not to be 0.
        """
        if self.answers is not None:
            self.answers.close()
        streams = [s for s in self.streams.values() if isinstance(s, FollowingStream)]
        for stream in streams:
            stream.log_summary()
        endings = [ending for stream in streams for ending in stream.endings()]
        if self.termination.signum:
            terminated = f"Stopped by {self.termination.name}: {Verdict.TERMINATED.advice}."
            endings.append(Ending(self.termination.exit_code, terminated))
        endings.sort(key=attrgetter("weight"))
        if endings and (last := endings[-1]).exit_code:
            self._warn_of(endings[:-1])
            raise Ended(last.sentence, last.exit_code)
        self._warn_of(endings)

    def _warn_of(self, endings: Iterable[Ending]) -> None:
        for ending in endings:
            self.logger.warning("%s", ending.sentence)

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
        typed = dict.fromkeys(map(validation.in_words, errors))
        found = [*typed, *validation.of(usable, wrong)]
        if found and raise_errors:
            raise Ended(_listed(found))
        for name in sorted(self._config.keys() - schema["properties"].keys()):
            self.logger.warning("There is no setting `%s`; it is ignored.", name)
        return found

    @override
    def _setup_signal_handlers(self) -> None:
        """Note signals only: the SDK's handler writes a state and exits with 0."""
        self.termination.install()


def _listed(problems: list[str]) -> str:
    if len(problems) == 1:
        return f"The config has a problem: {problems[0]}."
    return f"The config has {len(problems)} problems: {'; '.join(problems)}."
