"""A plain server that answers what a test tells it to, where the sandbox is too faithful."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

TLS = Path(__file__).parent / "fixtures" / "tls"


@dataclass(frozen=True)
class Received:
    """A request as it came.

    Attributes:
        target: What stands behind the method: a path; or a whole URL, at a proxy.
        headers: Its headers, their names in lower case.
        body: Its body.
    """

    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What is answered. `Content-Length` is added."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


class Server:
    """A context manager: it listens on a free loopback port inside it.

    Args:
        answer: What to answer a request with.
        tls: Whether to speak TLS, with the certificate in `TLS`.

    Attributes:
        url: Its base URL.
        received: The requests so far.
    """

    def __init__(self, answer: Callable[[Received], Reply], *, tls: bool = False) -> None:
        self.received: list[Received] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.received, answer))
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Dripping:
    """A server whose answer never ends; a context manager that gives its URL.

    Args:
        head: How the answer begins.
        drop: What comes then, again and again, a little at a time.
    """

    def __init__(self, head: bytes, drop: bytes) -> None:
        self._head = head
        self._drop = drop
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._answer)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _answer(self) -> None:
        connection, _ = self._socket.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(self._head)
            while not self._over.wait(0.02):
                connection.sendall(self._drop)


class Raw:
    """A server that writes bytes as they are; a context manager.

    Args:
        answer: What to write when a request has come.
        answers: How many requests a connection answers; it reads one more, and ends.
        at_once: Whether it ends right after the last answer instead.

    Attributes:
        url: Its base URL.
        connections: How many connections were made so far.
        requests: How many requests have come so far.
    """

    def __init__(
        self, answer: Callable[[], bytes], *, answers: int = 1000, at_once: bool = False
    ) -> None:
        self.connections = self.requests = 0
        self._answer = answer
        self._answers = answers
        self._at_once = at_once
        self._socket = self._connection = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for open_one in (self._socket, self._connection):
            with contextlib.suppress(OSError):
                open_one.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        """One connection after another."""
        with contextlib.suppress(OSError):
            while True:
                self._connection, _ = self._socket.accept()
                self.connections += 1
                with self._connection, self._connection.makefile("rb") as lines:
                    self._talk(self._connection, lines)

    def _talk(self, connection: socket.socket, lines: BinaryIO) -> None:
        left = self._answers
        while lines.readline():
            length = 0
            while (line := lines.readline()) not in {b"\r\n", b""}:
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            lines.read(length)
            self.requests += 1
            if not left:
                return
            left -= 1
            connection.sendall(self._answer())
            if self._at_once and not left:
                return


def _handler(
    received: list[Received], answer: Callable[[Received], Reply]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Received(self.path, headers, self.rfile.read(length))
            received.append(request)
            reply = answer(request)
            self.send_response_only(reply.status)
            for name, value in {
                **reply.headers,
                "Content-Length": str(len(reply.body)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # the client has given up
                self.wfile.write(reply.body)

        # The names that the server looks for.
        do_POST = do_CONNECT = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
