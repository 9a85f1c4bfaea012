"""The port speaks HTTP/1.1 as AWS clients use it."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from localcloud.server.wire import Answer, Call, Listener

pytestmark = pytest.mark.wire

Serve = Callable[[Callable[[Call], Answer]], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    listeners: list[Listener] = []

    def start(application: Callable[[Call], Answer]) -> int:
        listener = Listener(application)
        listeners.append(listener)
        threading.Thread(target=listener.serve, daemon=True).start()
        return listener.port

    yield start
    for listener in listeners:
        listener.stop()


def echo(call: Call) -> Answer:
    return Answer(200, (("X-Method", call.method), ("X-Target", call.target)), call.body)


def test_a_connection_stays_open_for_the_next_call(serve: Serve) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", serve(echo), timeout=5)
    connection.request("GET", "/a?b=c")
    first = connection.sock
    assert connection.getresponse().read() == b""
    connection.request("PUT", "/d", b"body")
    answer = connection.getresponse()
    assert connection.sock is first
    assert (answer.headers["X-Method"], answer.headers["X-Target"], answer.read()) == ("PUT", "/d", b"body")
    connection.close()


def test_a_client_that_asks_first_is_told_to_go_on(serve: Serve) -> None:
    with socket.create_connection(("127.0.0.1", serve(echo)), timeout=5) as client:
        client.sendall(b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100 Continue")
        client.sendall(b"ok")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")


def test_a_chunked_body_arrives_whole(serve: Serve) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", serve(echo), timeout=5)
    connection.request("PUT", "/", iter([b"ab", b"c"]), encode_chunked=True)
    assert connection.getresponse().read() == b"abc"
    connection.request("GET", "/after")
    assert connection.getresponse().headers["X-Target"] == "/after"
    connection.close()


def test_a_proxied_call_is_read_by_its_whole_url(serve: Serve) -> None:
    hosts: list[str] = []

    def note(call: Call) -> Answer:
        hosts.append(call.host)
        return echo(call)

    connection = http.client.HTTPConnection("127.0.0.1", serve(note), timeout=5)
    connection.request("GET", "http://1.localhost:80/p?q", headers={"Host": "other"})
    assert connection.getresponse().headers["X-Target"] == "/p?q"
    assert hosts == ["1.localhost:80"]
    connection.close()


def test_a_head_answer_has_the_length_and_no_body(serve: Serve) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", serve(lambda call: Answer(200, (), b"12345")), timeout=5)
    connection.request("HEAD", "/")
    answer = connection.getresponse()
    assert (answer.headers["Content-Length"], answer.read()) == ("5", b"")
    connection.close()


def test_a_dropped_answer_is_a_reset(serve: Serve) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", serve(lambda call: Answer(drop=True)), timeout=5)
    connection.request("GET", "/")
    with pytest.raises(ConnectionError):
        connection.getresponse()
    connection.close()
