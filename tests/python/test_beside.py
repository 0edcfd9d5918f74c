"""What a node answers beside its protocol: health, reflection, HTTP/1.1."""

import http.client

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from peer import PATIENCE, item, name, refusal, v1

SERVING = health_pb2.HealthCheckResponse.SERVING


def test_health_is_told_of_the_node_and_of_each_service(caller):
    stub = health_pb2_grpc.HealthStub(caller.channel)
    for service in ["", "inventory.v1.Inventory", "inventory.v2.Inventory"]:
        request = health_pb2.HealthCheckRequest(service=service)
        assert stub.Check(request, timeout=PATIENCE).status == SERVING
        watch = stub.Watch(request, timeout=PATIENCE)
        assert next(watch).status == SERVING
        watch.cancel()
    with pytest.raises(grpc.RpcError) as raised:
        stub.Check(health_pb2.HealthCheckRequest(service="nothing"), timeout=PATIENCE)
    assert raised.value.code() is StatusCode.NOT_FOUND


class Labelled(grpc.StreamStreamClientInterceptor, grpc.UnaryUnaryClientInterceptor):
    """Labels every call of a channel."""

    def __init__(self, version):
        self.version = version

    def label(self, proceed, details, request):
        labelled = details._replace(metadata=[("straddle-version", self.version)], timeout=PATIENCE)
        return proceed(labelled, request)

    intercept_stream_stream = label
    intercept_unary_unary = label


def schema(channel, version):
    """What a caller learns of a version by reflection alone."""
    labelled = grpc.intercept_channel(channel, Labelled(version))
    return labelled, DescriptorPool(ProtoReflectionDescriptorDatabase(labelled))


@pytest.mark.parametrize(
    ("version", "package", "fields"),
    [("1.0.0", "v1", 11), ("1.1.0", "v1", 13), ("2.0.0", "v2", 14), ("3.0.0", "v2", 14)],
)
def test_reflection_shows_each_label_its_own_version(caller, version, package, fields):
    _, pool = schema(caller.channel, version)
    assert len(pool.FindMessageTypeByName(f"inventory.{package}.Item").fields) == fields
    methods = [method.name for method in pool.FindServiceByName(f"inventory.{package}.Inventory").methods]
    assert ("Confirm" in methods) == (version == "3.0.0")
    assert ("AdjustStock" in methods) == (version != "1.0.0")


@pytest.mark.parametrize("package", ["v1", "v1alpha"])
def test_reflection_without_a_label_lists_the_services_of_the_unlabelled_version(caller, package):
    path = f"/grpc.reflection.{package}.ServerReflection/ServerReflectionInfo"
    info = caller.channel.stream_stream(
        path,
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    (answer,) = info(asked, timeout=PATIENCE)
    assert "inventory.v1.Inventory" in [service.name for service in answer.list_services_response.service]
    assert "inventory.v2.Inventory" not in str(answer)


def test_reflection_of_an_unknown_version_is_refused(caller):
    stub = reflection_pb2_grpc.ServerReflectionStub(caller.channel)
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    with pytest.raises(grpc.RpcError) as raised:
        next(stub.ServerReflectionInfo(asked, timeout=PATIENCE, metadata=[("straddle-version", "9.0.0")]))
    assert refusal(raised.value).reason == "UNKNOWN_VERSION"


def test_what_a_newer_caller_wrote_and_1_0_0_cannot_express_is_lossy(caller, node):
    """The newer caller is made of what reflection tells; the older one asks for what it wrote."""
    channel, pool = schema(caller.channel, "2.0.0")
    method = pool.FindServiceByName("inventory.v2.Inventory").methods_by_name["UpsertItem"]
    request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    upsert = channel.unary_unary(
        "/inventory.v2.Inventory/UpsertItem", request.SerializeToString, response.FromString
    )
    sku = name("euro")
    euros = request(
        item={"sku": sku, "name": "Anvil", "price": {"currency_code": "EUR", "units": 5}}, request_id=name()
    )
    if node.version == "1.1.0":
        # There it is the newer caller that is refused: the node keeps US dollars only.
        with pytest.raises(grpc.RpcError) as raised:
            upsert(euros)
        told = refusal(raised.value)
        assert (told.reason, told.metadata["ran"]) == ("LOSSY", "false")
        assert told.metadata["path"] == "item.price.currency_code"
        assert raised.value.code() is StatusCode.FAILED_PRECONDITION
        return
    assert upsert(euros).item.price.currency_code == "EUR"
    for call in [lambda: caller.get(sku), lambda: caller.list(sku)]:
        with pytest.raises(grpc.RpcError) as raised:
            call()
        told = refusal(raised.value)
        # The path is that of the node's message; both methods are declared to change nothing, so nothing has run.
        assert (told.reason, told.metadata["ran"]) == ("LOSSY", "false")
        assert told.metadata["path"] == "price.currency_code"
        assert raised.value.code() is StatusCode.FAILED_PRECONDITION


def test_what_is_written_by_one_version_is_watched_in_another(caller):
    channel, pool = schema(caller.channel, "3.0.0")
    method = pool.FindServiceByName("inventory.v2.Inventory").methods_by_name["WatchItems"]
    watch = channel.unary_stream(
        "/inventory.v2.Inventory/WatchItems",
        GetMessageClass(method.input_type).SerializeToString,
        GetMessageClass(method.output_type).FromString,
    )
    put = caller.put(item(name(), price=12.5))
    request = GetMessageClass(method.input_type)(after_revision=put.revision - 1)
    events = watch(request, timeout=PATIENCE, metadata=[("straddle-version", "3.0.0")])
    seen = next(events).item
    assert (seen.sku, seen.price.units, seen.price.nanos) == (put.sku, 12, 500_000_000)
    assert (seen.location.aisle, seen.location.bin) == ("A7", "12")
    events.cancel()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/healthz", 200), ("HEAD", "/healthz", 200), ("POST", "/healthz", 405), ("GET", "/other", 404)],
)
def test_http_1_1_is_answered_for_probes_and_people(node, method, path, status):
    host, port = node.address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
    connection.request(method, path)
    response = connection.getresponse()
    assert response.status == status
    said = response.read().decode()
    assert (said == "serving\n") == (method == "GET" and status == 200)
    connection.close()


def test_http_1_1_grpc_is_told_that_it_needs_http_2(node):
    host, port = node.address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
    body = b"\0\0\0\0\0"
    connection.request("POST", "/inventory.v1.Inventory/GetItem", body, {"content-type": "application/grpc"})
    response = connection.getresponse()
    assert response.status == 426
    assert "HTTP/2" in response.read().decode()
    connection.close()
