//! Rules above and below simulation objects.

use straddle::node::Node;
use straddle::refusal::Reason;
use tonic::Code;

use crate::shop::{New, SERVICE, call, load, new, object, old, pass_on, proto, refusal, step};

/// Three versions; the middle one stands between rules and code.
fn protocol(rules_first: bool) -> straddle::Protocol {
    let (narrow, wide) = (proto("int32 qty = 2;"), proto("reserved 2; int64 quantity = 3;"));
    let code = |from| format!("from = \"{from}\"\n[past]\ncode = [\"{SERVICE}.Put\", \"{SERVICE}.Chat\"]\n");
    let (second, to_second, to_third) = if rules_first {
        (&wide, step("1.0.0", "qty", "quantity"), code("2.0.0"))
    } else {
        (&narrow, code("1.0.0"), step("2.0.0", "qty", "quantity"))
    };
    load(&[
        ("1.0.0/shop.proto", &narrow),
        ("2.0.0/shop.proto", second),
        ("2.0.0/step.toml", &to_second),
        ("3.0.0/shop.proto", &wide),
        ("3.0.0/step.toml", &to_third),
    ])
}

#[tokio::test]
async fn rules_lie_before_and_behind_code() {
    for (rules_first, simulated) in [(true, "2.0.0"), (false, "1.0.0")] {
        let object = object(|stock: New| Ok(New { quantity: stock.quantity + 1, ..stock }));
        let node = Node::builder(protocol(rules_first)).object("3.0.0", object).past(simulated, pass_on).build();
        let node = node.unwrap_or_else(|error| panic!("{error}")).service();
        for method in ["Put", "Chat", "Get"] {
            let (answered, status) = call(&node, "1.0.0", method, &[old(7)]).await;
            assert_eq!((status.code(), answered), (Code::Ok, vec![old(8)]), "{rules_first}, {method}: {status:?}");
        }
        let (answered, _) = call(&node, "3.0.0", "Put", &[new(7)]).await;
        assert_eq!(answered, [new(8)]);
        let (_, status) = call(&node, "1.0.0", "Put", &[old(i32::MAX)]).await;
        let refusal = refusal(&status);
        assert_eq!((status.code(), refusal.reason(), refusal.ran()), (Code::Internal, Reason::Lossy, true));
        assert_eq!((refusal.caller_version(), refusal.node_version()), (Some("1.0.0"), Some("3.0.0")), "{status:?}");
    }
}

#[tokio::test]
async fn a_request_that_rules_below_a_simulation_object_refuse_has_not_run() {
    let (narrow, wide) = (proto("int32 qty = 2;"), proto("reserved 2; int64 quantity = 3;"));
    let protocol = load(&[
        ("1.0.0/shop.proto", &narrow),
        ("2.0.0/shop.proto", &wide),
        ("2.0.0/step.toml", &step("1.0.0", "qty", "quantity")),
        ("3.0.0/shop.proto", &wide),
        ("3.0.0/step.toml", &format!("from = \"2.0.0\"\n[future]\ncode = [\"{SERVICE}.Put\"]\n")),
    ]);
    let object = object(|stock: crate::shop::Old| Ok(stock));
    let node = Node::builder(protocol).object("1.0.0", object).future("3.0.0", pass_on).build();
    let node = node.unwrap_or_else(|error| panic!("{error}")).service();
    let (answered, _) = call(&node, "3.0.0", "Put", &[new(7)]).await;
    assert_eq!(answered, [new(7)]);
    let (_, status) = call(&node, "3.0.0", "Put", &[new(1 << 40)]).await;
    let refusal = refusal(&status);
    assert_eq!((status.code(), refusal.path(), refusal.ran()), (Code::FailedPrecondition, Some("quantity"), false));
    assert_eq!((refusal.caller_version(), refusal.node_version()), (Some("3.0.0"), Some("1.0.0")));
}
