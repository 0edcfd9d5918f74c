"""A node of the inventory, and a caller of it that was made from 1.0.0's proto alone."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import grpc
from grpc_status import rpc_status
from grpc_tools import protoc
from google.rpc import error_details_pb2

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("STRADDLE", str(ROOT / "target/debug/straddle"))
GENERATED = ROOT / "target/python-generated"

# No call of these tests takes nearly as long; without it a fault would hang instead of failing.
PATIENCE = 30


def generate():
    """Makes the caller's code, as its developers did when 1.0.0 was the newest version."""
    GENERATED.mkdir(parents=True, exist_ok=True)
    protos = ROOT / "schemas/inventory/1.0.0"
    arguments = [f"-I{protos}", f"--python_out={GENERATED}", f"--grpc_python_out={GENERATED}", "inventory.proto"]
    if protoc.main(["protoc", *arguments]) != 0:
        raise RuntimeError("the proto of 1.0.0 cannot be compiled")
    sys.path.insert(0, str(GENERATED))


generate()
import inventory_pb2 as v1  # noqa: E402
import inventory_pb2_grpc as v1_grpc  # noqa: E402


def digests():
    """The digest of each version's schema, as the program itself tells it."""
    shown = subprocess.run(
        [PROGRAM, "show", str(ROOT / "schemas/inventory"), "--json"],
        check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE,
    )
    return {version["version"]: version["schema"] for version in json.loads(shown.stdout)["versions"]}


class Node:
    """A node in a process of its own, which ends when its standard input does."""

    def __init__(self, version):
        self.version = version
        self.process = subprocess.Popen(
            [PROGRAM, "serve-example", "--version", version, "--listen", "127.0.0.1:0", "--until-stdin-ends"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        # It prints one line once calls can come; the address is its last word.
        words = self.process.stdout.readline().split()
        if not words:
            raise RuntimeError(f"the node did not start: {self.process.communicate()[1]}")
        self.address = words[-1]

    def channel(self, *options):
        # A channel of its own: grpcio would else share one connection between equal channels.
        return grpc.insecure_channel(self.address, options=[("grpc.use_local_subchannel_pool", 1), *options])

    def stop(self):
        """Stops it, and gives its exit code and what it said."""
        try:
            _, said = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, said


def name(word="item"):
    """A SKU or request id that no other test has."""
    return f"{word}-{uuid.uuid4().hex[:16]}"


def item(sku, **fields):
    """An item that has all that 1.0.0 knows, none of it lossy in any version."""
    full = {
        "name": "Anvil", "price": 49.95, "stock": 100, "location": "A7-12",
        "attributes": {"colour": "black", "größe": "riesig"},
        "box": v1.Box(length_mm=300, width_mm=200, height_mm=150),
        "suppliers": [v1.Supplier(name="Acme", offers=[v1.Offer(minimum_quantity=10, price=40.125)])],
    }
    return v1.Item(sku=sku, **{**full, **fields})


def same(stored, sent):
    """Whether an item is what was sent, but for what the node sets."""
    stripped = v1.Item()
    stripped.CopyFrom(stored)
    stripped.ClearField("updated")
    stripped.ClearField("revision")
    return stripped == sent


class Caller:
    """Calls of 1.0.0, bounded in time, without a label unless one is given."""

    def __init__(self, channel):
        self.channel = channel
        self.stub = v1_grpc.InventoryStub(channel)

    def __getattr__(self, method):
        call = getattr(self.stub, method)
        return lambda request, timeout=PATIENCE, **options: call(request, timeout=timeout, **options)

    def put(self, sent):
        return self.PutItem(v1.PutItemRequest(item=sent, request_id=name("put"))).item

    def get(self, sku, **options):
        return self.GetItem(v1.GetItemRequest(sku=sku), **options)

    def list(self, prefix):
        return list(self.ListItems(v1.ListItemsRequest(sku_prefix=prefix)))


def refusal(error):
    """The ErrorInfo of a refusal; None when the status has no details."""
    status = rpc_status.from_call(error)
    if status is None:
        return None
    assert (status.code, status.message) == (error.code().value[0], error.details())
    (detail,) = status.details
    info = error_details_pb2.ErrorInfo()
    assert detail.Unpack(info)
    assert info.domain == "straddle"
    return info
