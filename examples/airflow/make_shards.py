"""Print `shards.meltano.yml`: an extractor and a loader for each shard of a username list."""

import argparse
import json

LIMITS = {
    "research_requests_per_second": "at_once",
    "rapidapi_requests_per_second": "at_once",
    "research_max_requests": "shards",
    "rapidapi_max_requests": "shards",
}
"""Settings that shards share, and between how many: those that run at once, or all."""


def main() -> None:
    """Print the file that the command line asks for; JSON is YAML."""
    parser = make_parser()
    options = parser.parse_args()
    try:
        shares = make_shares(options)
    except ValueError as error:
        parser.error(str(error))
    parts = range(1, options.shards + 1)
    plugins = {
        "extractors": [make_extractor(part, options.shards, shares) for part in parts],
        "loaders": [make_loader(part, options.shards) for part in parts],
    }
    print(json.dumps({"plugins": plugins}, indent=2))


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shards", type=positive, help="number of shards")
    parser.add_argument(
        "--at-once",
        type=positive,
        required=True,
        help="number of shards that run at once: the slots of the Airflow pool",
    )
    for setting in LIMITS:
        option = f"--{setting.replace('_', '-')}"
        parser.add_argument(option, type=positive, help="of all shards together")
    return parser


def positive(text: str) -> int:
    """A whole number above zero.

    Raises:
        ValueError: If the text is not one.
    """
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def make_shares(options: argparse.Namespace) -> dict[str, int]:
    """The share of one shard in each limit that the command line gives.

    Raises:
        ValueError: If there is not at least 1 for each shard.
    """
    shares = {}
    for setting, sharers in LIMITS.items():
        limit, parts = getattr(options, setting), getattr(options, sharers)
        if limit is None:
            continue
        if limit < parts:
            message = f"{setting} must be at least {parts}, so that each shard gets 1"
            raise ValueError(message)
        shares[setting] = limit // parts
    return shares


def make_extractor(part: int, shards: int, shares: dict[str, int]) -> dict[str, object]:
    """The tap under a name of its own, so that the shard has a state and files of its own."""
    shard = f"{part}-of-{shards}"
    config = {
        "shard": f"{part}/{shards}",
        "responses_path": f"output/{shard}.responses",
        "rescan_after_hours": 12,
        "on_quota_exhausted": "stop",
        "on_username_failure": "continue",
        **shares,
    }
    return {
        "name": f"tap-tiktok-following-{shard}",
        "inherit_from": "tap-tiktok-following",
        "config": config,
    }


def make_loader(part: int, shards: int) -> dict[str, object]:
    """The target under a name of its own, for the same reason."""
    return {"name": f"target-postgres-{part}-of-{shards}", "inherit_from": "target-postgres"}


if __name__ == "__main__":
    main()
