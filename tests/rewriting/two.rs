//! Two versions, each as caller and as node.

use straddle::dispatch::Dispatch;
use straddle::node::Node;
use straddle::refusal::Reason;
use tonic::{Code, Status};
use tonic_types::pb;

use crate::shop::{METHODS, New, Old, SERVICE, call, new, object, old, pass_on, protocol, refusal, send};

/// A node that runs 2.0.0 and answers with one more than it was asked.
fn newer() -> Dispatch {
    let object = object(|stock: New| Ok(New { quantity: stock.quantity + 1, ..stock }));
    Node::builder(protocol()).object("2.0.0", object).build().expect("no simulation object is needed").service()
}

/// A node that runs 1.0.0 and does the same.
fn older() -> Dispatch {
    let object = object(|stock: Old| Ok(Old { qty: stock.qty + 1, ..stock }));
    Node::builder(protocol()).object("1.0.0", object).build().expect("no simulation object is needed").service()
}

#[tokio::test]
async fn callers_of_both_versions_are_answered_by_nodes_of_both() {
    for method in METHODS {
        for node in [newer(), older()] {
            let (answered, status) = call(&node, "1.0.0", method, &[old(7)]).await;
            assert_eq!((status.code(), answered), (Code::Ok, vec![old(8)]), "{method}: {status:?}");
            let (answered, status) = call(&node, "2.0.0", method, &[new(7)]).await;
            assert_eq!((status.code(), answered), (Code::Ok, vec![new(8)]), "{method}: {status:?}");
        }
    }
    let (answered, _) = call(&newer(), "1.0.0", "Chat", &[old(1), old(2), old(3)]).await;
    assert_eq!(answered, [old(2), old(3), old(4)]);
}

#[tokio::test]
async fn a_request_that_the_node_s_version_cannot_express_is_refused_before_it_runs() {
    for method in METHODS {
        let (_, status) = call(&older(), "2.0.0", method, &[new(1 << 40)]).await;
        let refusal = refusal(&status);
        assert_eq!(
            (status.code(), refusal.reason()),
            (Code::FailedPrecondition, Reason::Lossy),
            "{method}: {status:?}"
        );
        assert_eq!((refusal.path(), refusal.ran()), (Some("quantity"), false));
        assert_eq!((refusal.caller_version(), refusal.node_version()), (Some("2.0.0"), Some("1.0.0")));
        assert_eq!(refusal.method(), Some(&*format!("/{SERVICE}/{method}")));
    }
}

#[tokio::test]
async fn a_response_that_the_caller_s_version_cannot_express_is_refused_after_the_call() {
    for method in METHODS {
        let (_, status) = call(&newer(), "1.0.0", method, &[old(i32::MAX)]).await;
        let refusal = refusal(&status);
        let changes = method != "Get";
        assert_eq!((refusal.reason(), refusal.ran()), (Reason::Lossy, changes), "{method}: {status:?}");
        assert_eq!(status.code(), if changes { Code::Internal } else { Code::FailedPrecondition }, "{method}");
        assert_eq!(refusal.method(), Some(&*format!("/{SERVICE}/{method}")));
    }
}

#[tokio::test]
async fn bytes_that_are_no_message_are_the_caller_s_fault() {
    // A name of five bytes, of which one is there.
    let broken = b"\0\0\0\0\x03\x0a\x05a";
    for method in METHODS {
        let (_, status) = send::<Old>(&newer(), "1.0.0", method, broken.to_vec()).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{method}: {status:?}");
        assert!(status.message().contains("malformed shop.v1.Stock at byte"), "{method}: {status:?}");
    }
}

#[tokio::test]
async fn details_of_a_status_come_in_the_caller_s_version() {
    let any = |message: Vec<u8>| prost_types::Any { type_url: "a.example/shop.v1.Stock".to_owned(), value: message };
    let object = object(move |_: New| {
        let details = [new(5), new(1 << 40)].iter().map(|stock| any(prost::Message::encode_to_vec(stock))).collect();
        let told = pb::Status { code: 5, message: "sold out".to_owned(), details };
        Err(Status::with_details(Code::NotFound, "sold out", prost::Message::encode_to_vec(&told).into()))
    });
    let node = Node::builder(protocol()).object("2.0.0", object).build().expect("a node").service();
    let (_, status) = call(&node, "1.0.0", "Put", &[old(1)]).await;
    assert_eq!((status.code(), status.message()), (Code::NotFound, "sold out"));
    let told: pb::Status = prost::Message::decode(status.details()).expect("a status");
    assert_eq!(told.details, [any(prost::Message::encode_to_vec(&old(5)))], "what 1.0.0 cannot express is left out");
    let (_, status) = call(&node, "2.0.0", "Put", &[new(1)]).await;
    let told: pb::Status = prost::Message::decode(status.details()).expect("a status");
    assert_eq!(told.details.len(), 2);
}

#[test]
fn a_simulation_object_that_rules_make_needless_is_an_error() {
    let object = object(|stock: New| Ok(stock));
    let built = Node::builder(protocol()).object("2.0.0", object).past("1.0.0", pass_on).build();
    let error = built.expect_err("nothing would reach it").to_string();
    assert!(error.contains("declares no code for it"), "{error}");
}
