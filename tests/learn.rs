//! A running node learns versions that its program was built without.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "learn/kept.rs"]
mod kept;
#[path = "learn/moving.rs"]
mod moving;
#[path = "learn/shop.rs"]
mod shop;

use std::sync::Arc;

use shop::{Seen, bundle, call, folder_of, holding, key, object, refusal, signed, status, step, unsigned};
use straddle::Version;
use straddle::node::{LearnError, Node};
use straddle::refusal::Reason;
use tokio::sync::Notify;
use tonic::Code;

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

fn node(seen: &Seen) -> Node {
    let builder = Node::builder(folder_of(&["2.0.0"])).object("2.0.0", object(seen)).trust(key().public());
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

/// `text = "anvil"`, `cents = 500`, as 1.0.0 and 2.0.0 write it.
const OLD: &[u8] = b"\x0a\x05anvil\x10\xf4\x03";
/// `words = "anvil"`, `units = 500`, as 3.0.0 writes it.
const NEW: &[u8] = b"\x0a\x05anvil\x18\xf4\x03";

#[tokio::test]
async fn callers_of_a_learned_version_are_served_where_rules_do_and_refused_by_name_where_code_does() {
    let (seen, get) = (Seen::default(), "/shop.v3.Shop/Get");
    let node = node(&seen);
    let unknown = call(&node, get, "3.0.0", NEW).await.unwrap_err();
    assert_eq!((refusal(&unknown).reason(), unknown.code()), (Reason::UnknownVersion, Code::Unimplemented));

    let learned = node.learn(signed("2.0.0", "3.0.0")).await.expect("what 3.0.0 is");
    assert_eq!(learned.added, [version("3.0.0")]);
    assert_eq!(learned.digest, step("2.0.0", "3.0.0").digest());
    assert!(!learned.kept, "a node without a state folder has nowhere to keep it");
    let lacking = &learned.needs_program;
    assert_eq!(lacking.len(), 1, "{lacking:?}");
    assert_eq!((lacking[0].method.as_str(), &lacking[0].program), ("shop.v3.Shop.Count", &version("3.0.0")));

    assert_eq!(call(&node, get, "3.0.0", NEW).await.expect("an answer"), NEW);
    assert_eq!(seen.take(), [OLD], "the object saw its own version");
    let refused = refusal(&call(&node, "/shop.v3.Shop/Count", "3.0.0", NEW).await.unwrap_err());
    assert_eq!(refused.reason(), Reason::Disallowed);
    assert!(refused.message().contains("code answers shop.v3.Shop.Count between 2.0.0 and 3.0.0"), "{refused}");
    assert!(refused.advised().is_some_and(|advice| advice.contains("built with 3.0.0")), "{refused}");
    assert!(seen.take().is_empty());

    assert_eq!(call(&node, "/shop.v2.Shop/Get", "2.0.0", OLD).await.expect("an answer"), OLD);
    assert_eq!(node.protocol().versions().len(), 2);
    assert_eq!(node.version(), version("2.0.0"));
}

#[tokio::test]
async fn a_version_before_the_oldest_is_learned_as_well() {
    let seen = Seen::default();
    let node = node(&seen);
    let learned = node.learn(signed("1.0.0", "2.0.0")).await.expect("what 1.0.0 is");
    assert_eq!((learned.added, learned.needs_program), (vec![version("1.0.0")], vec![]));
    node.learn(signed("2.0.0", "3.0.0")).await.expect("what 3.0.0 is");
    assert_eq!(call(&node, "/shop.v1.Shop/Get", "1.0.0", OLD).await.expect("an answer"), OLD);
    assert_eq!(call(&node, "/shop.v3.Shop/Get", "3.0.0", NEW).await.expect("an answer"), NEW);
    assert_eq!(seen.take(), [OLD, OLD]);
}

#[tokio::test]
async fn what_the_node_knows_it_is_told_again_without_harm() {
    let node = node(&Seen::default());
    node.learn(bundle()).await.expect("all of it");
    let again = node.learn(signed("2.0.0", "3.0.0")).await.expect("a part of it");
    assert_eq!((again.added, again.needs_program), (vec![], vec![]));
}

#[tokio::test]
async fn a_call_that_runs_goes_on_while_the_node_learns_and_others_do_not_wait() {
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let builder = Node::builder(folder_of(&["2.0.0"])).object("2.0.0", holding(&entered, &go_on)).trust(key().public());
    let node = builder.build().unwrap_or_else(|error| panic!("{error}"));
    let running = tokio::spawn({
        let node = node.clone();
        async move { call(&node, "/shop.v2.Shop/Put", "2.0.0", OLD).await }
    });
    entered.notified().await;
    node.learn(signed("2.0.0", "3.0.0")).await.expect("what 3.0.0 is");
    assert_eq!(call(&node, "/shop.v3.Shop/Get", "3.0.0", NEW).await.expect("an answer"), NEW);
    assert!(!running.is_finished());
    go_on.notify_one();
    assert_eq!(running.await.expect("no panic").expect("an answer"), OLD);
}

#[tokio::test]
async fn what_nobody_trusted_has_signed_or_does_not_fit_is_not_learned() {
    let stranger = straddle::bundle::SecretKey::generate().expect("a key");
    let by_stranger = step("2.0.0", "3.0.0").signed(&stranger).to_bytes();
    let mut damaged = signed("2.0.0", "3.0.0").to_vec();
    damaged[100] ^= 1;
    let kind = |error: &LearnError| match error {
        LearnError::Unreadable(_) => "unreadable",
        LearnError::Untrusted(_) => "untrusted",
        LearnError::Conflict(_) => "conflict",
        _ => "another",
    };
    let cases = [
        ("unsigned", unsigned("2.0.0", "3.0.0"), "untrusted", "is not signed"),
        ("a stranger's", by_stranger, "untrusted", "whom nobody here trusts"),
        ("damaged", damaged.into(), "unreadable", "damaged"),
        ("no bundle", "hello".into(), "unreadable", "this is no bundle"),
        ("another 2.0.0", shop::changed("2.0.0", "3.0.0", "cents", "pence"), "conflict", "2.0.0 has the schema"),
        ("does not adjoin", signed("3.0.0", "4.0.0"), "conflict", "add the bundle of the step from 2.0.0 first"),
    ];
    let node = node(&Seen::default());
    for (name, file, expected, said) in cases {
        let error = node.learn(file).await.expect_err(name);
        assert_eq!(kind(&error), expected, "{name}: {error}");
        assert!(error.to_string().contains(said), "{name}: {said:?} is not in {error}");
    }
    assert_eq!(node.protocol().versions().len(), 1);
    let unknown = call(&node, "/shop.v3.Shop/Get", "3.0.0", NEW).await.unwrap_err();
    assert_eq!(status(&unknown), Code::Unimplemented);

    let trusting_nobody = Node::builder(folder_of(&["2.0.0"])).object("2.0.0", object(&Seen::default())).build();
    let error = trusting_nobody.expect("a node").learn(signed("2.0.0", "3.0.0")).await.expect_err("nobody is trusted");
    assert!(matches!(error, LearnError::NobodyTrusted), "{error}");
}
