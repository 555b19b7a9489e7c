"""Write the next wave of a snowball sample: who to read after the accounts read so far.

    python examples/snowball.py usernames.txt --size 100 --followed-by 2

replaces the usernames in the file that the tap reads (`usernames_path`), one per line. It asks
the dbt models, so run it after `dbt build`, where dbt finds its project. First come the
usernames of the file that are not read yet at every provider, because a budget or a quota
ended the run: none is lost. The wave is then filled up with the accounts that most of the
accounts read so far follow. When nobody is left to read, the file stays as it is, and the exit
code is 1; after an error it is 2.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

SETTLED_AND_NEXT = """
    select username, null as place
    from {{{{ ref('tiktok_following__coverage') }}}}
    where last_outcome not in ('interrupted', 'failed')
    group by username
    having count(*) = {{{{ var('tiktok_providers') | length }}}}
    union all
    select username, place
    from {{{{ ref('tiktok_following__whom_to_read_next') }}}}
    where not is_unfinished and followed_by >= {followed_by}
    order by place
"""


def main() -> int:
    """Return the exit code: 0, 1 when nobody is left to read, or 2 after an error."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="the usernames, one per line")
    parser.add_argument("--size", type=int, default=100, help="usernames in a wave (100)")
    parser.add_argument(
        "--followed-by", type=int, default=2, help="least number of followers read so far (2)"
    )
    parser.add_argument("--dbt", default="dbt", help="command that runs dbt (dbt)")
    options = parser.parse_args()

    try:
        names = names_in(options.file)
        rows = ask(options.dbt, SETTLED_AND_NEXT.format(followed_by=options.followed_by))
    except OSError as error:
        print(f"No wave can be chosen: {error}", file=sys.stderr)
        return 2
    settled = {row["username"] for row in rows if row["place"] is None}
    ranked = [row["username"] for row in rows if row["place"] is not None]
    left = [name for name in names if name not in settled]
    new = [name for name in ranked if name not in left][: max(0, options.size - len(left))]
    if not left and not new:
        print("Nobody is left to read.")
        return 1
    replace(options.file, [*left, *new])
    print(f"{options.file}: {len(left)} usernames not read yet and {len(new)} new ones")
    return 0


def ask(dbt: str, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query on the models.

    Raises:
        OSError: If dbt is missing or fails.
    """
    show = ["show", "--quiet", "--output", "json", "--limit", "-1", "--inline", query]
    ended = subprocess.run([*shlex.split(dbt), *show], check=False, stdout=subprocess.PIPE)
    if ended.returncode:
        message = f"`{dbt} show` failed: {ended.stdout.decode().strip()[-500:]}"
        raise OSError(message)
    return json.loads(ended.stdout)["show"]  # type: ignore[no-any-return]


def names_in(file: Path) -> list[str]:
    """Return the usernames of a file, without @, profile URL and comment, each once."""
    lines = file.read_text("utf-8").lower().splitlines()
    names = (re.sub(r"^.*@|[#/?].*", "", line).strip() for line in lines)
    return list(dict.fromkeys(filter(None, names)))


def replace(file: Path, names: list[str]) -> None:
    """Replace the names in a file at once, so that no kill leaves half of them."""
    new = file.with_name(f"{file.name}.new")
    new.write_text("".join(f"{name}\n" for name in names), "utf-8")
    new.replace(file)


if __name__ == "__main__":
    sys.exit(main())
