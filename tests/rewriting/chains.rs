//! Versions far apart.

use straddle::node::Node;
use tonic::Code;

use crate::shop::{METHODS, New, Old, call, load, object, old, proto, refusal, step};

/// Versions 1.0.0 to 10.0.0, each with a name of its own for what it counts, under a number of its own, and from 6.0.0 on
/// as `int64`.
fn ten() -> straddle::Protocol {
    let mut files = Vec::new();
    for version in 1..=10 {
        let kind = if version < 6 { "int32" } else { "int64" };
        let field = format!("{kind} count_{version} = {};", version + 1);
        files.push((format!("{version}.0.0/shop.proto"), proto(&field)));
        if version > 1 {
            let step =
                step(&format!("{}.0.0", version - 1), &format!("count_{}", version - 1), &format!("count_{version}"));
            files.push((format!("{version}.0.0/step.toml"), step));
        }
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    load(&files)
}

/// A stock as 10.0.0 has it.
#[derive(Clone, PartialEq, prost::Message)]
struct Last {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int64, tag = "11")]
    count: i64,
}

fn last(count: i64) -> Last {
    Last { name: "nail".to_owned(), count }
}

#[tokio::test]
async fn ten_versions_apart_both_ways() {
    let object = object(|stock: Last| Ok(Last { count: stock.count + 1, ..stock }));
    let node = Node::builder(ten()).object("10.0.0", object).build().expect("a node").service();
    for method in METHODS {
        let (answered, status) = call(&node, "1.0.0", method, &[old(7)]).await;
        assert_eq!((status.code(), answered), (Code::Ok, vec![old(8)]), "{method}: {status:?}");
    }
    let (_, status) = call(&node, "1.0.0", "Put", &[old(i32::MAX)]).await;
    assert!(refusal(&status).ran(), "{status:?}");

    let object = crate::shop::object(|stock: Old| Ok(Old { qty: stock.qty + 1, ..stock }));
    let node = Node::builder(ten()).object("1.0.0", object).build().expect("a node").service();
    for method in METHODS {
        let (answered, status) = call(&node, "10.0.0", method, &[last(7)]).await;
        assert_eq!((status.code(), answered), (Code::Ok, vec![last(8)]), "{method}: {status:?}");
    }
    let (_, status) = call(&node, "10.0.0", "Put", &[last(1 << 40)]).await;
    assert_eq!(refusal(&status).path(), Some("count_10"), "{status:?}");
}

#[tokio::test]
async fn same_hops_before_and_behind_rules_cost_a_rewrite_nothing() {
    let (first, second) = (proto("int32 qty = 2;"), proto("reserved 2; int64 quantity = 3;"));
    let protocol = load(&[
        ("1.0.0/shop.proto", &first),
        ("1.1.0/shop.proto", &first),
        ("2.0.0/shop.proto", &second),
        ("2.0.0/step.toml", &step("1.1.0", "qty", "quantity")),
        ("2.1.0/shop.proto", &second),
    ]);
    let object = object(|stock: New| Ok(New { quantity: stock.quantity + 1, ..stock }));
    let node = Node::builder(protocol).object("2.1.0", object).build().expect("a node");
    let routes = format!("{:?}", node.table().expect("a table"));
    assert!(routes.contains("Put of 1.0.0 -> native, rewritten"), "{routes}");
    assert!(routes.contains("Put of 2.0.0 -> native\n") || routes.contains("Put of 2.0.0 -> native)"), "{routes}");
    let (answered, status) = call(&node.service(), "1.0.0", "Put", &[old(7)]).await;
    assert_eq!((status.code(), answered), (Code::Ok, vec![old(8)]), "{status:?}");
}
