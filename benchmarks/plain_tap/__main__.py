"""The command of the plain tap."""

from benchmarks.plain_tap.tap import TapPlain

TapPlain.cli()
