"""A file of usernames at a URL: over https, and in a store that speaks S3."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from sandbox import World
from tap_tiktok_following.config.usernames import MAX_FILE, collect
from tests.harness import finish, follows_of, run, settings, start
from tests.server import TLS, Dripping, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox
    from tests.harness import Run
    from tests.server import Received

SECRET = "canary-4711/+"
QUOTED = "canary-4711%2F%2B"
CSV = b"id;username\n1;ann\n2;@Ben\n3;a b\n"


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(TLS / "certificate.pem"))


def problem(url: str, timeout: float = 60) -> str:
    config = {"usernames": ["ann"], "usernames_path": url, "request_timeout": timeout}
    found = collect(config)
    assert (found.names, found.malformed) == ([], [])
    return found.problem


def check_was_read(ended: Run) -> None:
    assert ended.exit_code == 0
    assert {name: row["outcome"] for name, row in ended.scans("rapidapi").items()} == {
        "ann": "complete",
        "ben": "complete",
        "a b": "invalid",
    }


@pytest.fixture
def lists(sandbox: Sandbox) -> Sandbox:
    sandbox.world = World.of({"ann": follows_of("ann", 2), "ben": follows_of("ben", 1)})
    return sandbox


# Over https.


def test_list_over_https_is_read_once_and_its_credentials_are_in_no_log(
    lists: Sandbox, tmp_path: Path
) -> None:
    """Not even those of the URL that it redirects to."""
    expected = "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()

    def answer(request: Received) -> Reply:
        if request.headers.get("authorization") != expected:
            return Reply(401)
        moved = Reply(302, headers={"Location": f"/new.csv?token={QUOTED}"})
        return Reply(body=CSV) if request.target.startswith("/new") else moved

    with Server(answer, tls=True) as server:
        host = server.url.removeprefix("https://")
        url = f"https://me:{QUOTED}@{host}/lists/follows.csv?signature={QUOTED}&v=2"
        config = {**settings(lists, [], "rapidapi"), "usernames_path": url}
        ended = finish(
            start(
                tmp_path,
                config,
                REQUESTS_CA_BUNDLE=str(TLS / "certificate.pem"),
                TAP_TIKTOK_FOLLOWING_LOGLEVEL="DEBUG",
            )
        )
    check_was_read(ended)
    assert [request.target for request in server.received] == [
        f"/lists/follows.csv?signature={QUOTED}&v=2",
        f"/new.csv?token={QUOTED}",
    ]
    assert ended.text("DEBUG")
    for secret in (SECRET, QUOTED, expected.removeprefix("Basic ")):
        assert secret not in ended.stdout + ended.stderr


def test_common_words_in_a_url_are_no_secrets(lists: Sandbox, tmp_path: Path) -> None:
    """They neither disfigure the log nor keep responses from being stored."""
    with Server(lambda _: Reply(body=CSV)) as server:
        host = server.url.removeprefix("http://")
        config = {
            **settings(lists, [], "rapidapi"),
            "usernames_path": f"http://user:data@{host}/x?sheet=username",
            "responses_path": str(tmp_path / "responses"),
            "rescan_after_hours": 12,
        }
        first, again = run(config), run(config)
    check_was_read(first)
    assert "***" not in first.stderr + again.stderr
    assert len(lists.requests) == 2  # the second run without a state pays for nothing


def test_problem_names_the_url_without_its_credentials(sandbox: Sandbox) -> None:
    url = f"https://me:{QUOTED}@127.0.0.1:9/a@b/list.csv?signature={QUOTED}#{QUOTED}"
    ended = run({**settings(sandbox, [], "rapidapi"), "usernames_path": url})
    assert (ended.exit_code, ended.stdout, sandbox.requests) == (1, "", [])
    assert ended.last_line == (
        "The config has a problem: `usernames_path` (https://127.0.0.1:9/a@b/list.csv) "
        "can't be read (its host can't be reached)."
    )
    assert "4711" not in ended.stderr


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("page", "says"),
    [
        (Reply(404), "does not exist"),
        (Reply(410), "does not exist"),
        (Reply(403), "can't be read (HTTP 403)"),
        (Reply(500), "can't be read (HTTP 500)"),
        (Reply(body=b"\x89PNG\xff"), "is not a UTF-8 text file"),
        (Reply(body=b"ann\n"), "has no column `username` (its columns: ann)"),
        (Reply(body=bytes(MAX_FILE + 1)), "is larger than 64 MB"),
        (
            Reply(302, headers={"Location": "http://192.0.2.1/list.csv"}),
            "can't be read (it redirects to a URL that is not https)",
        ),
    ],
    ids=["404", "410", "403", "500", "no text", "no column", "too large", "to http"],
)
def test_same_bounds_and_errors_as_of_a_local_file(page: Reply, says: str) -> None:
    with Server(lambda _: page, tls=True) as server:
        assert problem(f"{server.url}/list.csv?version=2") == says


def test_untrusted_certificate() -> None:
    with Server(lambda _: Reply(body=CSV), tls=True) as server:
        says = problem(f"{server.url}/list.csv")
    assert (says, server.received) == ("can't be read (its certificate is not trusted)", [])


def test_http_is_accepted_only_from_this_machine() -> None:
    with Server(lambda _: Reply(body=CSV)) as server:
        assert collect({"usernames_path": f"{server.url}/list.csv"}).names == ["ann", "ben"]
    assert problem("http://192.0.2.1/list.csv") == "must start with https://"


@pytest.mark.parametrize("url", ["https://", "https://[example.com/list.csv"])
def test_what_is_not_a_url(url: str) -> None:
    assert problem(url) == "is not a URL"


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_server_that_drips_is_not_waited_for(head: bytes) -> None:
    with Dripping(head, b"x: y\r\n") as url:
        says = problem(f"{url}/list.txt", timeout=0.5)
    assert says == "can't be read (it did not arrive within 0.5 seconds)"


@pytest.mark.parametrize("is_moved", [False, True])
def test_netrc_is_never_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_moved: bool
) -> None:
    """Nor is the password of the URL, to another host."""
    netrc = "machine 127.0.0.1 login me password no\nmachine localhost login me password no\n"
    (tmp_path / "netrc").write_text(netrc, encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    def answer(request: Received) -> Reply:
        if request.target == "/new" or not is_moved:
            return Reply(body=CSV)
        port = server.url.rpartition(":")[2]
        return Reply(302, headers={"Location": f"http://localhost:{port}/new"})

    with Server(answer) as server:
        login = "me:pw@" if is_moved else ""
        url = server.url.replace("://", f"://{login}")
        assert collect({"usernames_path": f"{url}/list.csv"}).names
    assert "authorization" not in server.received[-1].headers


# In a store.


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    """Variables that lead to a store with a bucket `lists`."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    variables = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    client = boto3.client(
        "s3",
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="lists")
    contents = {"follows.csv": CSV, "empty.txt": b"", "large.txt": bytes(MAX_FILE + 1)}
    for key, body in contents.items():
        client.put_object(Bucket="lists", Key=key, Body=body)
    yield variables
    server.stop()


def test_list_in_s3(lists: Sandbox, store: dict[str, str], tmp_path: Path) -> None:
    path = "s3://lists/follows.csv"
    config: dict[str, Any] = {**settings(lists, [], "rapidapi"), "usernames_path": path}
    ended = finish(start(tmp_path, config, **store, TAP_TIKTOK_FOLLOWING_LOGLEVEL="DEBUG"))
    check_was_read(ended)
    assert SECRET not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("s3://lists/none.csv", "does not exist"),
        ("s3://lists/empty.txt", "contains no username"),
        ("s3://lists/large.txt", "is larger than 64 MB"),
        (
            "gs://lists/follows.csv",
            "can't be read (Please install gcsfs to access Google Storage)",
        ),
        ("ftps://lists/follows.csv", "can't be read (there is no file system for ftps://)"),
    ],
)
def test_problem_with_a_list_in_a_store(
    sandbox: Sandbox, store: dict[str, str], tmp_path: Path, path: str, says: str
) -> None:
    config = {**settings(sandbox, [], "rapidapi"), "usernames_path": path}
    ended = finish(start(tmp_path, config, **store))
    assert (ended.exit_code, ended.stdout, sandbox.requests) == (1, "", [])
    assert ended.last_line == f"The config has a problem: `usernames_path` ({path}) {says}."
    assert "Traceback" not in ended.stderr
