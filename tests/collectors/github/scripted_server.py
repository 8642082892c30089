"""A real HTTP server on 127.0.0.1 that plays a script: one answer for each request."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Play(NamedTuple):
    """One answer. `cut` breaks it off: "reset" before it, "short" within its body.

    `delay` is in seconds, before anything is sent.
    """

    status: int = 200
    body: bytes = b'{"data":{"rateLimit":null}}'
    headers: Mapping[str, str] = {}
    content_type: str = "application/json; charset=utf-8"
    cut: str = ""
    delay: float = 0.0


class Got(NamedTuple):
    """One request as the server saw it."""

    path: str
    headers: dict[str, str]
    body: bytes
    verb: str = "POST"


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hung up does not hear the rest; that is no news."""


class ScriptedServer:
    """Where it listens, what it plays (the last answer again and again) and what it got."""

    def __init__(self, script: Sequence[Play]) -> None:
        self.script = list(script)
        self.got: list[Got] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                self.take(Got(self.path, dict(self.headers), body))

            def do_GET(self) -> None:
                self.take(Got(self.path, dict(self.headers), b"", "GET"))

            def take(self, got: Got) -> None:
                play = outer.answer(got)
                outer.got.append(got)
                self.play(play)

            def play(self, play: Play) -> None:
                time.sleep(play.delay)
                if play.cut == "reset":
                    linger = struct.pack("ii", 1, 0)  # closing now sends a reset
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.close_connection = True
                    return
                if "Date" in play.headers:  # else the real one is told
                    self.send_response_only(play.status)
                else:
                    self.send_response(play.status)
                self.send_header("Content-Type", play.content_type)
                self.send_header("Content-Length", str(len(play.body)))
                for name, value in play.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if play.cut == "short":
                    self.wfile.write(play.body[: len(play.body) // 2])
                    self.close_connection = True
                    return
                self.wfile.write(play.body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on stderr."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.api = f"http://127.0.0.1:{self.port}/api/v3"

    def answer(self, got: Got) -> Play:
        """What is played next; the script is for POSTs."""
        if got.verb == "GET":
            return Play()
        return self.script[min(len(self.got), len(self.script) - 1)]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()


@contextmanager
def serving(*script: Play) -> Iterator[ScriptedServer]:
    """A server that plays the script."""
    server = ScriptedServer(script)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def answer(data: Any, errors: Any = None, **headers: str) -> Play:
    """A GraphQL answer of status 200."""
    body: dict[str, Any] = {"data": data}
    if errors is not None:
        body["errors"] = errors
    return Play(200, json.dumps(body).encode(), dashed(headers))


def refusal(status: int, message: str = "", **headers: str) -> Play:
    """An answer of another status, with GitHub's own form of message."""
    return Play(status, json.dumps({"message": message}).encode(), dashed(headers))


def dashed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


class RoutedServer(ScriptedServer):
    """As a scripted one, but each answer is chosen by the request."""

    def __init__(self, route: Callable[[Got], Play]) -> None:
        super().__init__([])
        self._route = route

    def answer(self, got: Got) -> Play:
        return self._route(got)


@contextmanager
def routing(route: Callable[[Got], Play]) -> Iterator[RoutedServer]:
    """A server whose answers `route` chooses."""
    server = RoutedServer(route)
    server.start()
    try:
        yield server
    finally:
        server.stop()
