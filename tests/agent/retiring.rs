//! What the coordinator has retired, at nodes.

use straddle::control::v1_0_0 as wire;

use crate::coordinator::{Coordinator, goal};
use crate::nodes::{ServedNode, inventory};
use crate::version;

fn retiring(up_to: &str) -> wire::Retiring {
    let brownout = Some(wire::Brownout { seconds: 300, every_seconds: 3_600, from: 1_795_000_000 });
    let notice =
        wire::Notice { version: "1.1.0".to_owned(), deprecated_since: 1_790_000_000, sunset: 1_800_000_000, brownout };
    wire::Retiring { retired_up_to: up_to.to_owned(), notices: vec![notice], grace_seconds: 60 }
}

fn told(retiring: wire::Retiring) -> wire::Goal {
    wire::Goal { retiring: Some(retiring), ..goal("") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_does_what_it_is_told_reports_what_is_in_force_and_still_does_it_when_it_is_started_again() {
    let (mut coordinator, state) = (Coordinator::start().await, tempfile::tempdir().unwrap());
    let node = ServedNode::serve(inventory(&coordinator, state.path()).await).await;
    assert_eq!(coordinator.hello().await.report.expect("a report").retiring, None);
    coordinator.welcome(true);
    for to in ["2.0.0", "3.0.0"] {
        node.node.upgrade(&version(to)).await.unwrap();
        node.node.finalize().await.unwrap();
    }
    coordinator.goal(told(retiring("1.0.0")));
    let wanted = |wanted: wire::Retiring| {
        move |report: &wire::Report| {
            let in_force = report.retiring.as_ref();
            in_force.is_some_and(|now| now.retiring.as_ref() == Some(&wanted) && now.refused.is_none())
        }
    };
    coordinator.report(wanted(retiring("1.0.0"))).await;
    // Goals that say nothing of it change nothing.
    coordinator.goal(goal(""));
    // What is not possible yet is reported.
    coordinator.goal(told(retiring("3.0.0")));
    let refused = |report: &wire::Report| report.retiring.as_ref().is_some_and(|now| now.refused.is_some());
    let in_force = coordinator.report(refused).await.retiring.expect("it was told");
    assert_eq!(in_force.retiring, Some(retiring("2.0.0")));
    assert!(in_force.refused.is_some_and(|why| why.contains("the node runs 3.0.0")));
    coordinator.goal(told(retiring("1.0.0")));
    coordinator.report(wanted(retiring("1.0.0"))).await;
    node.stop().await;

    let node = ServedNode::serve(inventory(&coordinator, state.path()).await).await;
    let report = coordinator.hello().await.report.expect("a report");
    assert!(wanted(retiring("1.0.0"))(&report), "{report:?}");
    coordinator.welcome(true);
    coordinator.goal(told(wire::Retiring::default()));
    coordinator.report(wanted(wire::Retiring::default())).await;
    node.stop().await;
}
