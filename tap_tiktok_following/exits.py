"""How a run ends: its exit code, which of several counts, and the sentence for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tap_tiktok_following.verdicts import Verdict

OK: Final = 0
FAILED: Final = 1
QUOTA_SPENT: Final = 75
"""EX_TEMPFAIL of sysexits.h: try again later."""

_MILDEST_FIRST = (OK, QUOTA_SPENT, FAILED)

_OF_VERDICTS = {
    Verdict.BUDGET_SPENT: OK,
    Verdict.QUOTA_SPENT: QUOTA_SPENT,
    Verdict.LONG_WAIT: QUOTA_SPENT,
}


@dataclass(frozen=True)
class Ending:
    """One result of a run; a run may have several.

    Attributes:
        exit_code: The exit code it asks for.
        sentence: What happened, to what, and what to do.
    """

    exit_code: int
    sentence: str

    @property
    def weight(self) -> int:
        """The ending with the greatest weight sets the exit code; a signal outweighs all."""
        is_signal = self.exit_code not in _MILDEST_FIRST
        return len(_MILDEST_FIRST) if is_signal else _MILDEST_FIRST.index(self.exit_code)


class Ended(SystemExit):
    """The run ends now; its sentence is the last line for a person.

    Not an `Exception`: the SDK calls those unhandled errors.

    Args:
        sentence: What happened, to what, and what to do.
        exit_code: The exit code of the process.
    """

    def __init__(self, sentence: str, exit_code: int = FAILED) -> None:
        super().__init__(exit_code)
        self.sentence = sentence


def of_verdict(verdict: Verdict) -> int:
    """The exit code of a run in which a verdict ended a stream."""
    return _OF_VERDICTS.get(verdict, FAILED)


def of_signal(signum: int) -> int:
    """The exit code that shells give a signal: 143 for SIGTERM, 130 for SIGINT."""
    return 128 + signum
