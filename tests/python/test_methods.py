"""Every method of 1.0.0 does on a node of any version what its proto says."""

import queue

import grpc
import pytest

from peer import PATIENCE, digests, item, name, same, v1


def test_an_item_comes_back_as_it_was_put(caller):
    sent = item(name())
    put = caller.put(sent)
    assert same(put, sent)
    assert put.revision > 0 and put.updated > 1_600_000_000
    assert caller.get(sent.sku) == put


def test_an_item_of_zeros_and_empty_texts_comes_back_so(caller):
    sent = v1.Item(sku=name(), name="nothing", pallet=v1.Pallet())
    assert same(caller.put(sent), sent)
    assert caller.get(sent.sku).WhichOneof("packaging") == "pallet"


@pytest.mark.parametrize("price", [0.01, 0.1, 1e12, 123456.789, 5e-9, 99999999999.25])
def test_a_price_keeps_every_digit(caller, price):
    sent = item(name(), price=price)
    assert caller.put(sent).price == price
    assert caller.get(sent.sku).price == price


def test_the_answer_says_its_version_its_node_and_its_schema(caller, node):
    sku = caller.put(item(name())).sku
    _, call = caller.stub.GetItem.with_call(v1.GetItemRequest(sku=sku), timeout=PATIENCE)
    said = dict(call.initial_metadata())
    assert said["straddle-version"] == "1.0.0"
    assert said["straddle-node"] == node.version
    assert said["straddle-schema"] == digests()["1.0.0"]


def test_metadata_of_the_caller_text_and_binary_do_no_harm(caller):
    sku = caller.put(item(name())).sku
    metadata = [("x-trace", "abc"), ("x-trace", "def"), ("x-blob-bin", bytes(range(256)))]
    assert caller.get(sku, metadata=metadata).sku == sku


def test_a_list_has_what_the_prefix_says_in_order(caller):
    prefix = name("list")
    skus = [f"{prefix}-{number:03}" for number in range(150)]
    for sku in reversed(skus):
        caller.put(item(sku))
    assert [listed.sku for listed in caller.list(prefix)] == skus
    assert caller.list(name("none")) == []


def test_a_watch_goes_on_after_the_last_revision_seen(caller):
    first, second, third = (name("watch") for _ in range(3))
    begin = caller.put(item(first)).revision
    caller.put(item(second))
    watch = caller.WatchItems(v1.WatchItemsRequest(after_revision=begin - 1))
    assert [next(watch).item.sku, next(watch).item.sku] == [first, second]
    # What is written while it watches comes by itself.
    caller.put(item(third))
    event = next(watch)
    assert (event.item.sku, event.revision) == (third, event.item.revision)
    watch.cancel()

    caller.put(item(first, stock=7))
    again = caller.WatchItems(v1.WatchItemsRequest(after_revision=event.revision))
    resumed = next(again)
    assert (resumed.item.sku, resumed.item.stock) == (first, 7)
    assert resumed.revision == event.revision + 1
    again.cancel()


def test_lookups_are_answered_one_by_one_while_the_caller_asks(caller):
    there, missing = caller.put(item(name())).sku, name("missing")
    questions = queue.Queue()
    answers = caller.LookupItems(iter(questions.get, None))
    for number in range(50):
        sku = there if number % 2 else missing
        questions.put(v1.LookupItemsRequest(sku=sku))
        # The next question is asked only after this answer.
        answer = next(answers)
        assert answer.WhichOneof("result") == ("item" if number % 2 else "missing_sku")
        assert sku == (answer.item.sku or answer.missing_sku)
    questions.put(None)
    assert list(answers) == []
    assert answers.code() is grpc.StatusCode.OK


def imports(request_id, items):
    yield v1.ImportItemsRequest(request_id=request_id)
    for sent in items:
        yield v1.ImportItemsRequest(item=sent)


def test_an_import_puts_everything_and_its_repeat_nothing(caller):
    prefix, request_id = name("import"), name("request")
    items = [item(f"{prefix}-{number:04}") for number in range(300)]
    first = caller.ImportItems(imports(request_id, items))
    assert first.count == 300
    assert all(same(stored, sent) for stored, sent in zip(caller.list(prefix), items, strict=True))
    repeat = caller.ImportItems(imports(request_id, items))
    assert repeat == first
    assert caller.list(prefix)[-1].revision == first.revision


def test_an_import_that_is_broken_off_puts_nothing(caller):
    prefix = name("aborted")

    class GaveUp(Exception):
        pass

    def broken_off(sent):
        yield from imports(name("request"), [item(f"{prefix}-{number}") for number in range(sent)])
        raise GaveUp

    for sent in range(12):
        with pytest.raises(grpc.RpcError):
            caller.ImportItems(broken_off(sent))
    hanging = queue.Queue()
    call = caller.stub.ImportItems.future(iter(hanging.get, None), timeout=PATIENCE)
    for message in imports(name("request"), [item(f"{prefix}-{number}") for number in range(12)]):
        hanging.put(message)
    assert call.cancel()
    hanging.put(None)
    # Writes are in order: had one of these been written, it would be there once this is.
    caller.put(item(f"{prefix}-last"))
    assert [listed.sku for listed in caller.list(prefix)] == [f"{prefix}-last"]


def test_an_import_with_a_bad_item_in_the_middle_puts_nothing(caller):
    prefix = name("bad")
    items = [item(f"{prefix}-{number}", name="x" if number != 5 else "") for number in range(10)]
    with pytest.raises(grpc.RpcError) as raised:
        caller.ImportItems(imports(name("request"), items))
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "item.name" in raised.value.details()
    assert caller.list(prefix) == []


def test_a_repeated_reserve_takes_stock_once_and_a_repeated_release_gives_it_back_once(caller):
    sku = caller.put(item(name(), stock=10)).sku
    reserve = v1.ReserveRequest(sku=sku, quantity=4, request_id=name("reserve"))
    reservation = caller.Reserve(reserve)
    assert (reservation.sku, reservation.quantity) == (sku, 4)
    assert [caller.Reserve(reserve) for _ in range(3)] == [reservation] * 3
    assert caller.get(sku).stock == 6

    release = v1.ReleaseRequest(reservation_id=reservation.reservation_id, request_id=name("release"))
    for _ in range(3):
        assert caller.Release(release) == v1.ReleaseResponse()
    assert caller.get(sku).stock == 10
    again = v1.ReleaseRequest(reservation_id=reservation.reservation_id, request_id=name("release"))
    caller.Release(again)
    assert caller.get(sku).stock == 10
