"""The same service config in grpc-js, which shares no code with grpcio either."""

import os
import shutil
import signal
import subprocess
import threading
from collections import Counter

import pytest

from peer import PATIENCE, ROOT
from test_retry import Listening

MODULES = ROOT / "target/javascript/node_modules"
CONFIG = ROOT / "examples/retry/service-config.json"

pytestmark = pytest.mark.skipif(
    not shutil.which("node") or not (MODULES / "@grpc/grpc-js").is_dir(),
    reason="needs node, and grpc-js in target/javascript, where tests/run brings it",
)


class Load:
    """A program that calls until this ends."""

    def __init__(self, address, config=CONFIG):
        command = ["node", str(ROOT / "tests/javascript/caller.cjs"), address, *([str(config)] if config else [])]
        self.process = subprocess.Popen(
            command, env={**os.environ, "NODE_PATH": str(MODULES)}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        self.answered, self.failed, self.begun = [], [], []
        self.progress = threading.Condition()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            what, name, *rest = line.split(maxsplit=2)
            with self.progress:
                if what == "answered":
                    self.answered.append(name)
                else:
                    (self.begun if what == "begun" else self.failed).append((name, *rest))
                self.progress.notify_all()

    def goes_on(self, calls):
        with self.progress:
            wanted = self.ended() + calls
            assert self.progress.wait_for(lambda: self.ended() >= wanted, PATIENCE)

    def ended(self):
        return len(self.answered) + len(self.failed) + len(self.begun)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0
        self.reader.join()
        self.process.stdout.close()


def restart(server):
    server.end(signal.SIGTERM)
    server.start()


def kill(server):
    server.end(signal.SIGKILL)
    server.start()


@pytest.mark.parametrize("what", [restart, kill, lambda server: server.tell(signal.SIGHUP)], ids=["restart", "kill", "go-away"])
def test_grpc_js_sees_no_failure_while_a_server_goes_and_comes_back(what):
    with Listening() as server:
        with Load(server.address) as load:
            for _ in range(8):
                load.goes_on(40)
                what(server)
            load.goes_on(40)
    assert load.failed == []
    if what is kill:
        # Only a server that is killed between the headers of a response and the rest fails a call.
        assert set(server.ran) == set(load.answered) | {name for name, *_ in load.begun}
    else:
        assert load.begun == []
        assert server.ran == Counter(load.answered)


def test_grpc_js_sees_no_failure_while_calls_are_not_begun():
    with Listening(refusals=3) as server, Load(server.address) as load:
        load.goes_on(20)
    assert load.failed == []
    assert server.ran == Counter(load.answered)
