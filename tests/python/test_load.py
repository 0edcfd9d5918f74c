"""Time, size and number: deadlines, cancellation, large messages, many calls at once."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc import StatusCode

from peer import PATIENCE, Caller, Node, item, name, v1

MIB = 1024 * 1024


def watch_from_now(caller, **options):
    revision = caller.put(item(name())).revision
    return caller.WatchItems(v1.WatchItemsRequest(after_revision=revision), **options)


def test_a_call_that_waits_ends_at_its_deadline_and_the_node_goes_on(caller):
    watch = watch_from_now(caller, timeout=0.3)
    with pytest.raises(grpc.RpcError) as raised:
        next(watch)
    assert raised.value.code() is StatusCode.DEADLINE_EXCEEDED
    assert caller.put(item(name())).revision > 0


def test_a_deadline_that_has_passed_before_the_call_fails_it_and_a_repeat_writes_once(caller):
    # gRPC rounds what is left up, to a millisecond at times, so the write may begin: the caller cannot know, and asks again.
    request = v1.PutItemRequest(item=item(name()), request_id=name())
    with pytest.raises(grpc.RpcError) as raised:
        caller.PutItem(request, timeout=0)
    assert raised.value.code() is StatusCode.DEADLINE_EXCEEDED
    written = caller.PutItem(request).item
    assert caller.PutItem(request).item == written
    assert caller.list(request.item.sku) == [written]


def test_more_watches_than_a_connection_may_have_at_once_can_be_cancelled_one_after_the_other(caller):
    revision = caller.put(item(name())).revision
    for _ in range(1_200):
        watch = caller.WatchItems(v1.WatchItemsRequest(after_revision=revision - 1))
        assert next(watch).revision >= revision
        watch.cancel()
        assert watch.code() is StatusCode.CANCELLED
    assert caller.put(item(name())).revision > revision


def test_a_message_of_nearly_the_limit_is_read_and_one_beyond_it_is_told_so(caller):
    options = [("grpc.max_send_message_length", -1)]
    for size, code in [(4 * MIB - 64, StatusCode.INVALID_ARGUMENT), (4 * MIB + 64, StatusCode.RESOURCE_EXHAUSTED)]:
        with pytest.raises(grpc.RpcError) as raised:
            caller.get("s" * size)
        assert raised.value.code() is code, f"{size} bytes, {options}"


def large(sku):
    return item(sku, attributes={f"key-{number:060}": "v" * 1024 for number in range(64)})


def test_megabytes_go_in_through_an_import_and_come_back_through_a_list(caller):
    prefix = name("large")
    items = [large(f"{prefix}-{number:03}") for number in range(150)]
    messages = [v1.ImportItemsRequest(request_id=name()), *(v1.ImportItemsRequest(item=sent) for sent in items)]
    assert sum(message.ByteSize() for message in messages) > 9 * MIB
    assert caller.ImportItems(iter(messages)).count == 150
    assert [stored.attributes for stored in caller.list(prefix)] == [sent.attributes for sent in items]


def test_an_import_beyond_its_limit_is_told_so_and_puts_nothing(caller):
    prefix = name("huge")

    def messages():
        yield v1.ImportItemsRequest(request_id=name())
        for number in range(400):
            yield v1.ImportItemsRequest(item=large(f"{prefix}-{number:03}"))

    with pytest.raises(grpc.RpcError) as raised:
        caller.ImportItems(messages())
    assert raised.value.code() is StatusCode.RESOURCE_EXHAUSTED
    assert caller.list(prefix) == []


def test_of_many_reserves_at_once_as_many_succeed_as_there_is_stock(caller):
    sku = caller.put(item(name(), stock=60)).sku
    calls = [
        caller.stub.Reserve.future(v1.ReserveRequest(sku=sku, quantity=1, request_id=name()), timeout=PATIENCE)
        for _ in range(150)
    ]
    codes = [StatusCode.OK if call.exception() is None else call.exception().code() for call in calls]
    assert codes.count(StatusCode.OK) == 60
    assert codes.count(StatusCode.FAILED_PRECONDITION) == 90
    assert caller.get(sku).stock == 0


def test_many_connections_call_at_once(node):
    def one(number):
        with node.channel() as channel:
            caller = Caller(channel)
            sku = caller.put(item(name(), stock=number)).sku
            return [caller.get(sku).stock for _ in range(20)] == [number] * 20

    with ThreadPoolExecutor(max_workers=32) as pool:
        assert all(pool.map(one, range(64)))


def test_a_node_stops_by_itself_when_it_is_told_to_and_its_callers_notice(node):
    # One of its own: the others are still called.
    own = Node(node.version)
    with own.channel() as channel:
        caller = Caller(channel)
        sku = caller.put(item(name())).sku
        code, said = own.stop()
        assert (code, " 1 connections served, 0 cut" in said) == (0, True), said
        with pytest.raises(grpc.RpcError) as raised:
            caller.get(sku)
        assert raised.value.code() is StatusCode.UNAVAILABLE
