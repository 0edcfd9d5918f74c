//! What rewriting costs, counted.

use super::*;
use crate::dispatch::tally::{Costs, Way};

fn tally() -> Arc<Tally> {
    Node::of(Kind::Unary).route.tally.clone()
}

/// What it has cost to send these.
async fn costs(kind: Kind, texts: &[&str], tally: &Arc<Tally>) -> Costs {
    let node = Node::with(kind, |_, rewrites| rewrites.tally = Some(tally.clone()));
    node.texts(texts).await;
    tally.costs()
}

#[tokio::test]
async fn each_message_is_counted_with_its_bytes_whether_it_is_measured_or_stands_behind_one_that_is() {
    let texts: Vec<String> = (0..40).map(|number| "x".repeat(number)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let bytes = |mark: &str| texts.iter().map(|text| format!("{text}{mark}").encode_to_vec().len() as u64).sum::<u64>();
    let tally = tally();
    tally.measure();
    let costs = costs(Kind::Streaming, &texts, &tally).await;
    assert_eq!((costs.requests.messages, costs.requests.bytes), (40, bytes("")));
    assert_eq!((costs.responses.messages, costs.responses.bytes), (40, bytes(">")), "as the object has said them");
    assert!(!costs.requests.took.is_zero() && !costs.responses.took.is_zero(), "{costs:?}");
}

#[tokio::test]
async fn a_message_counts_once_also_where_it_was_looked_at_before_and_where_it_is_refused() {
    for (kind, texts, expected) in [
        (Kind::Unary, &["one"][..], (1, 1)),
        (Kind::ServerStreaming, &["one"], (1, 1)),
        // Somebody has looked at the first of them before it is known that there are more.
        (Kind::ClientStreaming, &["one", "two"], (2, 1)),
        (Kind::Unary, &["refuse request"], (1, 0)),
        (Kind::Unary, &["refuse response"], (1, 1)),
    ] {
        let tally = tally();
        tally.measure();
        let costs = costs(kind, texts, &tally).await;
        assert_eq!((costs.requests.messages, costs.responses.messages), expected, "{kind:?} {texts:?}");
    }
}

#[tokio::test]
async fn small_messages_of_many_calls_stand_for_each_other_and_large_ones_for_themselves() {
    let tally = tally();
    tally.measure();
    // As if the first one had taken an hour: those up to the sixteenth are taken to have taken as long.
    let hour = std::time::Duration::from_secs(3600);
    costs(Kind::Unary, &["one"], &tally).await;
    tally.measured(Way::Request, hour);
    let large = "x".repeat(100_000);
    for call in 2..=16 {
        let before = tally.costs().requests;
        let text = if call == 9 { large.as_str() } else { "one" };
        let requests = costs(Kind::Unary, &[text], &tally).await.requests;
        assert_eq!(requests.messages, call);
        let took = requests.took.saturating_sub(before.took);
        assert_eq!(took == hour, call != 9, "{call}: {took:?}");
    }
    let before = tally.costs().requests.took;
    let after = costs(Kind::Unary, &["one"], &tally).await.requests.took;
    assert!(after.saturating_sub(before) < hour, "the seventeenth is measured");
}

#[tokio::test]
async fn nothing_is_counted_while_nobody_wants_to_know() {
    assert_eq!(costs(Kind::Unary, &["one"], &tally()).await, Costs::default());
}
