"""A file of usernames at a URL: over https, and in a store that speaks S3."""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from sandbox import Sandbox, World
from tap_tiktok_following.config.usernames import MAX_FILE, collect
from tests.harness import Run, finish, follows_of, run, settings, start
from tests.server import TLS, Dripping, Received, Reply, Server

SECRET = "canary-4711/+"
QUOTED = "canary-4711%2F%2B"
CSV = b"id;username\n1;ann\n2;@Ben\n3;a b\n"


@pytest.fixture
def lists(sandbox: Sandbox) -> Sandbox:
    sandbox.world = World.of({"ann": follows_of("ann", 2), "ben": follows_of("ben", 1)})
    return sandbox


def problem(url: str, timeout: float = 60) -> str:
    return collect({"usernames_path": url, "request_timeout": timeout}).problem


def check_was_read(ended: Run) -> None:
    assert ended.exit_code == 0
    outcomes = {name: row["outcome"] for name, row in ended.scans("rapidapi").items()}
    assert outcomes == {"ann": "complete", "ben": "complete", "a b": "invalid"}


# Over https.


def test_list_over_https_is_read_once_and_its_credentials_are_in_no_log(
    lists: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even those of the URL that it redirects to."""
    login = base64.b64encode(f"me@home:{SECRET}".encode()).decode()

    def answer(request: Received) -> Reply:
        if request.headers.get("authorization") != f"Basic {login}":
            return Reply(401)
        moved = Reply(302, headers={"Location": f"/new.csv?token={QUOTED}"})
        return Reply(body=CSV) if request.target.startswith("/new") else moved

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(TLS / "certificate.pem"))
    with Server(answer, tls=True) as server:
        host = server.url.removeprefix("https://")
        url = f"https://me%40home:{QUOTED}@{host}/lists/follows.csv?signature={QUOTED}é&v=2"
        ended = run(settings(lists, [], "rapidapi", usernames_path=url), level=logging.DEBUG)
    check_was_read(ended)
    assert [request.target for request in server.received] == [
        f"/lists/follows.csv?signature={QUOTED}%C3%A9&v=2",
        f"/new.csv?token={QUOTED}",
    ]
    assert "GET /" in ended.text("DEBUG")
    for secret in (SECRET, QUOTED, login):
        assert secret not in ended.stdout + ended.stderr


def test_common_words_in_a_url_are_no_secrets(lists: Sandbox, tmp_path: Path) -> None:
    """They neither disfigure the log nor keep responses from being stored."""
    with Server(lambda _: Reply(body=CSV)) as server:
        url = f"{server.url.replace('://', '://user:data@')}/x?username"
        stored = {"responses_path": str(tmp_path / "stored"), "rescan_after_hours": 12}
        config = settings(lists, [], "rapidapi", usernames_path=url, **stored)
        first, again = run(config), run(config)
    check_was_read(first)
    assert "***" not in first.stderr + again.stderr
    assert len(lists.requests) == 2  # the second run without a state pays for nothing


def test_problem_names_the_url_without_its_credentials(sandbox: Sandbox) -> None:
    url = f"https://me:{QUOTED}@127.0.0.1:9/a@b/list.csv?signature={QUOTED}#{QUOTED}"
    ended = run(settings(sandbox, [], "rapidapi", usernames_path=url))
    assert (ended.exit_code, ended.stdout, sandbox.requests) == (1, "", [])
    assert ended.last_line == (
        "The config has a problem: `usernames_path` (https://127.0.0.1:9/a@b/list.csv) "
        "can't be read (its host can't be reached)."
    )
    assert "4711" not in ended.stderr


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (Reply(404), "does not exist"),
        (Reply(410), "does not exist"),
        (Reply(403), "can't be read (HTTP 403)"),
        (Reply(body=b"ann\n"), "has no column `username` (its columns: ann)"),
        (Reply(body=bytes(MAX_FILE + 1)), "is larger than 64 MB"),
        (
            Reply(302, headers={"Location": "http://192.0.2.1/list.csv"}),
            "can't be read (it redirects to a URL that is not https)",
        ),
    ],
    ids=["404", "410", "403", "no column", "too large", "to http"],
)
def test_page_that_cannot_be_used(page: Reply, says: str) -> None:
    with Server(lambda _: page) as server:
        assert problem(f"{server.url}/list.csv?version=2") == says


def test_untrusted_certificate_gets_no_request() -> None:
    with Server(lambda _: Reply(body=CSV), tls=True) as server:
        says = problem(f"{server.url}/list.csv")
    assert (says, server.received) == ("can't be read (its certificate is not trusted)", [])


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://192.0.2.1/list.csv", "must start with https://"),
        ("https://[example.com/list.csv", "is not a URL"),
        ("ftps://lists/list.csv", "can't be read (there is no file system for ftps://)"),
        (
            "gs://lists/list.csv",
            "can't be read (Please install gcsfs to access Google Storage)",
        ),
    ],
)
def test_url_that_cannot_be_used(url: str, says: str) -> None:
    assert problem(url) == says


def test_proxy_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:9")
    says = problem("https://lists.example/list.csv")
    assert says == "can't be read (its proxy needs the package PySocks)"


def test_server_that_drips_is_not_waited_for() -> None:
    with Dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"ann\n") as url:
        says = problem(f"{url}/list.txt", timeout=0.1)
    assert says == "can't be read (it did not arrive within 0.1 seconds)"


@pytest.mark.parametrize("login", ["", "me:pw@"])
def test_no_password_reaches_another_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, login: str
) -> None:
    """Neither that of the URL nor one of the user's .netrc."""
    netrc = "machine 127.0.0.1 login me password no\nmachine localhost login me password no\n"
    (tmp_path / "netrc").write_text(netrc, encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    def answer(request: Received) -> Reply:
        elsewhere = server.url.replace("127.0.0.1", "localhost")
        moved = Reply(302, headers={"Location": f"{elsewhere}/new"})
        return Reply(body=CSV) if request.target == "/new" else moved

    with Server(answer) as server:
        assert problem(f"{server.url.replace('://', f'://{login}')}/list.csv") == ""
    sent = ["authorization" in request.headers for request in server.received]
    assert sent == [bool(login), False]


# In a store.


@pytest.fixture
def store() -> Iterator[dict[str, str]]:
    """Variables that lead to a store with a bucket `lists`."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url, region = f"http://{host}:{port}", "us-east-1"
    keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": SECRET}
    client = boto3.client("s3", endpoint_url=url, region_name=region, **keys)
    client.create_bucket(Bucket="lists")
    client.put_object(Bucket="lists", Key="follows.csv", Body=CSV)
    yield {
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": region,
        **{name.upper(): value for name, value in keys.items()},
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "TAP_TIKTOK_FOLLOWING_LOGLEVEL": "DEBUG",
    }
    server.stop()


def test_list_in_s3(lists: Sandbox, store: dict[str, str], tmp_path: Path) -> None:
    runs = [
        finish(start(tmp_path, settings(lists, [], "rapidapi", usernames_path=url), **store))
        for url in ("s3://lists/follows.csv", "s3://lists/none.csv")
    ]
    assert not any(SECRET in ended.stdout + ended.stderr for ended in runs)
    check_was_read(runs[0])
    assert runs[1].exit_code == 1
    assert runs[1].last_line == (
        "The config has a problem: `usernames_path` (s3://lists/none.csv) does not exist."
    )
