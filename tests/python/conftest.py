"""What the tests share: a node of each version that the example program can run."""

import faulthandler

import pytest

from peer import Caller, Node

# All tests together take a minute; one that hangs in C code ends the run, with a trace of each thread.
faulthandler.dump_traceback_later(300, exit=True)

VERSIONS = ["1.1.0", "2.0.0", "3.0.0"]


@pytest.fixture(scope="session", params=VERSIONS, ids=[f"node-{version}" for version in VERSIONS])
def node(request):
    node = Node(request.param)
    yield node
    code, said = node.stop()
    assert code == 0, said
    assert " 0 cut" in said, said
    assert "panicked" not in said, said


@pytest.fixture
def caller(node):
    with node.channel() as channel:
        yield Caller(channel)
