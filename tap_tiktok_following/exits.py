"""How a run ends early, and with which exit code."""

from __future__ import annotations


class Ended(SystemExit):
    """The run can't go on; its sentence is the last line for a person.

    Not an `Exception`: the SDK calls those unhandled errors.

    Args:
        sentence: What happened, to whom, and what to do.
        exit_code: The exit code of the process.
    """

    def __init__(self, sentence: str, exit_code: int = 1) -> None:
        super().__init__(exit_code)
        self.sentence = sentence
