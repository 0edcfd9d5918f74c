//! A scheduling function of one's own, beside those that are built in.

use straddle::coordinator::schedule::{self, Clock, Decision, Own, Round, Schedule};
use straddle::coordinator::view::{NodeView, View};

use crate::fleet::{Is, after, ask_schedule, node, view};

/// Nodes with less in their queue go first, and none with more than ten.
struct Queues;

struct Asked;

impl Schedule for Queues {
    fn round<'a>(&'a self, _view: &'a View, _clock: Clock, _seed: u64) -> Box<dyn Round + 'a> {
        Box::new(Asked)
    }
}

impl Round for Asked {
    fn decide(&mut self, _at: usize, node: &NodeView) -> Decision {
        match node.values.get("queue") {
            Some(queue) if *queue <= 10.0 => Decision::Go,
            _ => Decision::wait("its queue is long"),
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "queues of tests are short")]
    fn rank(&self, _at: usize, node: &NodeView) -> u64 {
        node.values.get("queue").map_or(u64::MAX, |queue| *queue as u64)
    }
}

#[test]
fn it_is_asked_beside_those_that_are_built_in_and_says_the_order() {
    let own = Own::new().with("queues", Queues);
    let scheduling = schedule::parse_with("own = ['queues']\n[rolling]\nat_once = 2", &own).expect("a schedule");
    let fleet = view([
        node("a").value("queue", 9.0),
        node("b").value("queue", 11.0),
        node("c").value("queue", 3.0),
        node("d").value("queue", 4.0),
        node("e"),
    ]);
    let said = ask_schedule(&*scheduling.schedule, &fleet, after(0), 0);
    assert_eq!(said.goes, ["c", "d"]);
    assert!(said.why("b").starts_with("its queue is long; also, at most 2 nodes go at once"), "{}", said.why("b"));
    assert!(said.why("a").starts_with("at most 2 nodes go at once"), "{}", said.why("a"));
}
