"""The command `tap-tiktok-following`."""

from __future__ import annotations

import signal
import sys
from itertools import pairwise
from pathlib import Path

# Until a run handles it, Ctrl-C ends the process at once: most of that time are imports, and
# they would show a stack trace.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from tap_tiktok_following import output
from tap_tiktok_following.config.validation import file_problem
from tap_tiktok_following.errors import Ended
from tap_tiktok_following.tap import TapTikTokFollowing


def main() -> None:
    """Run the tap; a mistake of the user ends it with one sentence and exit code 1."""
    with output.logging_to_stderr():
        try:
            with output.writing_to_stdout():
                _run()
        except Ended as ended:
            TapTikTokFollowing.logger.error("%s", ended.sentence)
            raise


def _run() -> None:
    try:
        TapTikTokFollowing.cli(prog_name=TapTikTokFollowing.name)
    except Exception as error:
        # The SDK lets through whatever reading a file raised.
        arguments = [part for word in sys.argv[1:] for part in word.split("=", 1)]
        for option, path in pairwise(arguments):
            is_file = option in {"--config", "--catalog"} and path != "ENV"
            if is_file and (problem := file_problem(Path(path), option)):
                sentence = f"{path}, given by {option}, {problem}."
                raise Ended(sentence) from error
        raise


if __name__ == "__main__":
    main()
