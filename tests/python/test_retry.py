"""Callers that set the service config of examples/retry: what they see while servers go, die and come back."""

import itertools
import json
import os
import signal
import socket
import subprocess
import threading
from collections import Counter

import grpc
import pytest
from grpc import StatusCode

from peer import PATIENCE, ROOT

SERVER = os.environ.get("STRADDLE_RETRY_SERVER", str(ROOT / "target/debug/examples/retry-server"))
CONFIG = (ROOT / "examples/retry/service-config.json").read_text()


class Listening:
    """A listening socket that outlives the servers on it, and what ran on them."""

    def __init__(self, refusals=0):
        self.refusals = refusals
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.ran = Counter()
        self.start()

    def start(self):
        command = [SERVER, str(self.refusals)]
        self.server = subprocess.Popen(command, stdin=self.socket, stdout=subprocess.PIPE, text=True)
        assert self.server.stdout.readline() == "ready\n"
        self.reader = threading.Thread(target=self.read, args=[self.server.stdout])
        self.reader.start()

    def read(self, said):
        with said:
            for line in said:
                self.ran[line.removeprefix("ran ").strip()] += 1

    def tell(self, what):
        self.server.send_signal(what)

    def end(self, how):
        self.tell(how)
        assert self.server.wait(PATIENCE) == (0 if how is signal.SIGTERM else -how)
        self.reader.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(signal.SIGTERM)
        self.socket.close()


def connect(*servers, config=CONFIG):
    # Of a list of addresses grpcio would make an authority that is none.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.default_authority", "example.test")]
    options.append(("grpc.max_reconnect_backoff_ms", 500))
    if config:
        options.append(("grpc.service_config", config))
    return grpc.insecure_channel("ipv4:" + ",".join(server.address for server in servers), options=options)


def caller(channel):
    call = channel.unary_unary("/example.Retry/Call")
    return lambda name: call(name.encode(), metadata=[("call-id", name)], timeout=PATIENCE).decode()


def has_begun(call, name):
    """Whether the headers of the response came: from there on gRPC does not send the call again."""
    return dict(call.initial_metadata() or ()).get("call-id") == name


class Load:
    """Threads that call until it ends, each call with a name of its own."""

    def __init__(self, channel, threads=4):
        self.over, self.failed, self.answered = threading.Event(), [], []
        self.progress = threading.Condition()
        self.threads = [threading.Thread(target=self.run, args=[caller(channel), number]) for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self, call, thread):
        for number in itertools.count():
            if self.over.is_set():
                return
            name = f"{thread}-{number}"
            try:
                assert call(name) == name
            except grpc.RpcError as error:
                self.failed.append((name, error.code(), error.details(), has_begun(error, name)))
            with self.progress:
                self.answered.append(name)
                self.progress.notify_all()

    def goes_on(self, calls):
        with self.progress:
            wanted = len(self.answered) + calls
            assert self.progress.wait_for(lambda: len(self.answered) >= wanted, PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def test_a_server_that_restarts_on_its_socket_fails_no_call_and_runs_none_twice():
    with Listening() as server, connect(server) as channel:
        with Load(channel) as load:
            for _ in range(8):
                load.goes_on(40)
                server.end(signal.SIGTERM)
                server.start()
        assert load.failed == []
    assert server.ran == Counter(load.answered)


def test_a_server_that_sends_its_peers_away_fails_no_call_and_runs_none_twice():
    with Listening() as server, connect(server) as channel:
        with Load(channel) as load:
            for _ in range(8):
                load.goes_on(40)
                server.tell(signal.SIGHUP)
        assert load.failed == []
    assert server.ran == Counter(load.answered)


def test_a_server_that_is_killed_fails_no_call_whose_response_has_not_begun_but_may_have_run_it_before():
    with Listening() as server, connect(server) as channel:
        with Load(channel) as load:
            for _ in range(8):
                load.goes_on(40)
                server.end(signal.SIGKILL)
                server.start()
        # Between the headers and the rest lies next to no time, but a busy machine may lie there too.
        assert [failed for failed in load.failed if not failed[-1]] == []
    assert set(server.ran) == set(load.answered) | {name for name, *_ in load.failed}


def test_a_call_whose_response_has_begun_when_its_server_is_killed_fails_and_is_not_sent_again():
    with Listening() as server, connect(server) as channel:
        # Of a call with one response grpcio tells nothing before it ends; what it does is the same.
        call = channel.unary_stream("/example.Retry/Call")(
            b"begun", metadata=[("call-id", "begun"), ("only-begin", "yes")], timeout=PATIENCE
        )
        assert has_begun(call, "begun")
        server.end(signal.SIGKILL)
        server.start()
        assert call.code() is StatusCode.UNAVAILABLE
        assert caller(channel)("another") == "another"
    assert server.ran == Counter(["begun", "another"])


def test_a_call_that_was_not_begun_is_sent_again_and_runs_once():
    with Listening(refusals=3) as server:
        with connect(server) as channel:
            call = caller(channel)
            names = [f"refused-{number}" for number in range(20)]
            assert [call(name) for name in names] == names
        # Of itself, grpcio sends no call again.
        with connect(server, config=None) as channel:
            with pytest.raises(grpc.RpcError) as raised:
                caller(channel)("without")
            assert raised.value.code() is StatusCode.UNAVAILABLE
    assert server.ran == Counter(names)


def test_a_server_that_does_not_serve_gets_no_calls_while_another_does_and_gets_them_again():
    with Listening() as one, Listening() as two, connect(one, two) as channel, Load(channel) as load:

        def until(enough):
            for _ in range(200):
                before = one.ran.total(), two.ran.total()
                load.goes_on(20)
                if enough(one.ran.total() - before[0], two.ran.total() - before[1]):
                    return
            pytest.fail("it never came")

        until(lambda first, second: first and second)
        one.tell(signal.SIGUSR1)
        until(lambda first, second: not first and second)
        before = one.ran.total()
        load.goes_on(100)
        assert one.ran.total() == before
        one.tell(signal.SIGUSR2)
        until(lambda first, second: first and second)
    assert load.failed == []


def test_the_config_retries_what_was_unavailable_and_nothing_else():
    (method,) = json.loads(CONFIG)["methodConfig"]
    assert method["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    # gRPC makes no more attempts than these, whatever is written (gRFC A6).
    assert method["retryPolicy"]["maxAttempts"] <= 5
