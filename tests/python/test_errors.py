"""What goes wrong is told in the codes that the proto states, and refusals in a form that any language can read."""

import grpc
import pytest
from grpc import StatusCode

from peer import item, name, refusal, v1


def fails(call, *arguments, **options):
    with pytest.raises(grpc.RpcError) as raised:
        call(*arguments, **options)
    return raised.value


def test_what_is_not_there_is_not_found(caller):
    missing = name("missing")
    error = fails(caller.get, missing)
    assert error.code() is StatusCode.NOT_FOUND and missing in error.details()
    assert refusal(error) is None
    for error in [
        fails(caller.Reserve, v1.ReserveRequest(sku=missing, quantity=1, request_id=name())),
        fails(caller.Release, v1.ReleaseRequest(reservation_id=missing, request_id=name())),
    ]:
        assert error.code() is StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("field", "broken"),
    [
        ("item.sku", {"sku": ""}),
        ("item.name", {"name": "n" * 257}),
        ("item.price", {"price": -1}),
        ("item.price", {"price": float("nan")}),
        ("item.stock", {"stock": -1}),
        ("item.location", {"location": "l" * 65}),
        ("item.suppliers[0].offers[0].minimum_quantity", {"suppliers": [v1.Supplier(name="s", offers=[v1.Offer()])]}),
    ],
)
def test_a_field_beyond_its_limit_is_an_invalid_argument_that_names_it(caller, field, broken):
    sent = item(name())
    sent.MergeFrom(v1.Item(**{key: value for key, value in broken.items() if key != "suppliers"}))
    for key, value in broken.items():
        if key == "suppliers":
            del sent.suppliers[:]
            sent.suppliers.extend(value)
        else:
            setattr(sent, key, value)
    error = fails(caller.put, sent)
    if broken.get("price") != broken.get("price") and refusal(error) is not None:
        # No amount of 2.0.0 says what is no number: the rules refuse it before anybody looks at the item.
        assert (error.code(), refusal(error).reason) == (StatusCode.FAILED_PRECONDITION, "LOSSY")
        assert refusal(error).metadata["path"] == field
        return
    assert error.code() is StatusCode.INVALID_ARGUMENT
    assert error.details().startswith(field)
    assert refusal(error) is None


def test_a_request_id_that_is_used_for_something_else_is_an_invalid_argument(caller):
    request = v1.PutItemRequest(item=item(name()), request_id=name("request"))
    caller.PutItem(request)
    request.item.stock += 1
    error = fails(caller.PutItem, request)
    assert error.code() is StatusCode.INVALID_ARGUMENT
    assert caller.get(request.item.sku).stock == 100


def test_too_little_stock_is_a_failed_precondition_and_takes_none(caller):
    sku = caller.put(item(name(), stock=3)).sku
    error = fails(caller.Reserve, v1.ReserveRequest(sku=sku, quantity=4, request_id=name()))
    assert error.code() is StatusCode.FAILED_PRECONDITION
    assert refusal(error) is None
    assert caller.get(sku).stock == 3


@pytest.mark.parametrize("label", ["1.0.0", "1.0.9", "1.1.0"])
def test_a_label_of_a_version_that_has_the_method_is_followed(caller, label):
    sku = caller.put(item(name())).sku
    _, call = caller.stub.GetItem.with_call(
        v1.GetItemRequest(sku=sku), timeout=30, metadata=[("straddle-version", label)]
    )
    assert dict(call.initial_metadata())["straddle-version"] == label[:4] + "0"


@pytest.mark.parametrize(
    ("metadata", "reason", "code"),
    [
        ([("straddle-version", "2.0.0")], "LABEL_MISMATCH", StatusCode.INVALID_ARGUMENT),
        ([("straddle-version", "3.0.0")], "LABEL_MISMATCH", StatusCode.INVALID_ARGUMENT),
        ([("straddle-version", "newest")], "LABEL_MISMATCH", StatusCode.INVALID_ARGUMENT),
        ([("straddle-version", "1.0.0+build")], "LABEL_MISMATCH", StatusCode.INVALID_ARGUMENT),
        ([("straddle-version", "1.0.0")] * 2, "LABEL_MISMATCH", StatusCode.INVALID_ARGUMENT),
        ([("straddle-schema", "0" * 32)], "LABEL_MISMATCH", StatusCode.INVALID_ARGUMENT),
        ([("straddle-version", "1.0.0-beta.1")], "UNKNOWN_VERSION", StatusCode.UNIMPLEMENTED),
        ([("straddle-version", "9.9.9")], "UNKNOWN_VERSION", StatusCode.UNIMPLEMENTED),
    ],
)
def test_a_label_that_cannot_be_followed_is_refused_before_anything_runs(caller, node, metadata, reason, code):
    sent = item(name())
    request = v1.PutItemRequest(item=sent, request_id=name())
    error = fails(caller.PutItem, request, metadata=metadata)
    assert error.code() is code
    told = refusal(error)
    assert told.reason == reason
    assert told.metadata["ran"] == "false"
    assert told.metadata["protocol"] == "inventory"
    assert told.metadata["node_version"] == node.version
    assert told.metadata["method"] == "/inventory.v1.Inventory/PutItem"
    assert told.metadata["advice"]
    assert caller.list(sent.sku) == []


def test_a_caller_of_an_unknown_version_is_told_what_is_served(caller):
    told = refusal(fails(caller.get, "any", metadata=[("straddle-version", "9.9.9")]))
    assert told.metadata["caller_version"] == "9.9.9"
    assert told.metadata["served"] == "1.0.0..=3.0.0"


def test_a_method_of_a_newer_version_needs_a_label_and_the_refusal_says_so(caller):
    adjust = caller.channel.unary_unary("/inventory.v1.Inventory/AdjustStock")
    error = fails(adjust, b"", timeout=30)
    assert error.code() is StatusCode.INVALID_ARGUMENT
    assert refusal(error).reason == "LABEL_MISMATCH"
    assert "carries no label" in error.details() and "1.1.0 does" in error.details()
    # With it, the method is there: it misses its arguments.
    error = fails(adjust, b"", timeout=30, metadata=[("straddle-version", "1.1.0")])
    assert error.code() is StatusCode.INVALID_ARGUMENT and "sku" in error.details()


def test_a_path_that_no_version_declares_is_unimplemented(caller):
    for path in ["/inventory.v1.Inventory/Nothing", "/other.Service/GetItem", "/"]:
        error = fails(caller.channel.unary_unary(path), b"", timeout=30)
        assert error.code() is StatusCode.UNIMPLEMENTED, path


def test_a_price_that_the_node_cannot_keep_is_lossy_and_names_the_field(caller, node):
    sent = item(name(), price=0.1234567890123)
    if node.version == "1.1.0":
        assert caller.put(sent).price == sent.price
        return
    error = fails(caller.put, sent)
    assert error.code() is StatusCode.FAILED_PRECONDITION
    told = refusal(error)
    assert (told.reason, told.metadata["path"]) == ("LOSSY", "item.price")
    assert told.metadata["caller_version"] == "1.0.0"
    assert told.metadata["node_version"] == node.version
    assert told.metadata["method"] == "/inventory.v1.Inventory/PutItem"
    assert told.metadata["ran"] == "false"
    assert caller.list(sent.sku) == []


def test_a_lossy_item_in_the_middle_of_an_import_refuses_all_of_it(caller, node):
    prefix = name("lossy")
    prices = [1.0, 2.0, 0.1234567890123, 4.0]
    items = [item(f"{prefix}-{number}", price=price) for number, price in enumerate(prices)]
    messages = [v1.ImportItemsRequest(request_id=name()), *(v1.ImportItemsRequest(item=sent) for sent in items)]
    if node.version == "1.1.0":
        assert caller.ImportItems(iter(messages)).count == 4
        return
    error = fails(caller.ImportItems, iter(messages))
    told = refusal(error)
    # Whether the import beneath had begun when the item came depends on what the object had been shown by then.
    ran = told.metadata["ran"] == "true"
    assert (error.code(), told.reason) == (StatusCode.INTERNAL if ran else StatusCode.FAILED_PRECONDITION, "LOSSY")
    assert told.metadata["path"] == "item.price"
    assert caller.list(prefix) == []


def test_a_message_that_is_no_protobuf_fails_that_call_alone(caller):
    get = caller.channel.unary_unary("/inventory.v1.Inventory/GetItem")
    error = fails(get, b"\x0a\xff\xff\xff\xff\x0f", timeout=30)
    assert error.code() in (StatusCode.INTERNAL, StatusCode.INVALID_ARGUMENT)
    assert fails(caller.get, name()).code() is StatusCode.NOT_FOUND


def test_a_compressed_request_is_answered(caller):
    sku = caller.put(item(name())).sku
    assert caller.get(sku, compression=grpc.Compression.Gzip).sku == sku
