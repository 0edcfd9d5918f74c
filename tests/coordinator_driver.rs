//! The coordinator over databases that fail, and over one that it shares with another.
#![cfg(all(feature = "cli", unix))]

#[path = "coordinator/agent.rs"]
mod agent;
#[path = "coordinator/faulty.rs"]
mod faulty;
#[path = "support/page.rs"]
mod page;

use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, Moves};
use faulty::{Faulty, Next};
use straddle::bundle::Bundle;
use straddle::control::v1_0_0::operators_client::OperatorsClient;
use straddle::control::v1_0_0::{
    ForgetNodeRequest, ListNodesRequest, ListUpgradesRequest, ListVersionsRequest, PublishRequest, StartUpgradeRequest,
    UpgradeStatus, operators_client,
};
use straddle::coordinator::database::Embedded;
use straddle::coordinator::schedule::{Clock, Decision, Round, Schedule};
use straddle::coordinator::view::{NodeView, View};
use straddle::coordinator::{Builder, Coordinator};
use straddle::transport::{Channel, Labelled, Serving};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_stream::iter;
use tonic::Status;
use tonic_types::StatusExt;

/// A coordinator in this process.
struct Running {
    address: String,
    client: OperatorsClient<Labelled<Channel>>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Running {
    async fn start(builder: Builder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let (stop, stopped) = oneshot::channel::<()>();
        let serving: Serving = builder
            .allow_unsigned(true)
            .report_every(Duration::from_millis(100))
            .serve(listener, async move { drop(stopped.await) })
            .await
            .expect("a coordinator");
        let address = serving.local_addr().to_string();
        let client = operators_client(Channel::owner(&address).build().expect("a channel"));
        let serving = tokio::spawn(async move {
            serving.await;
        });
        Self { address, client, stop: Some(stop), serving }
    }

    async fn stop(mut self) {
        drop(self.stop.take());
        self.serving.await.expect("its end");
    }

    async fn publish(&mut self) -> Result<Vec<String>, Status> {
        let protocol = straddle::inventory::generated::protocol();
        let part = Bundle::of_protocol(&protocol).expect("a bundle").to_bytes();
        let published = self.client.publish(iter([PublishRequest { part }])).await?;
        Ok(published.into_inner().added)
    }

    async fn connected(&mut self) -> Result<usize, Status> {
        let nodes = self.client.list_nodes(ListNodesRequest::default()).await?.into_inner().nodes;
        Ok(nodes.iter().filter(|node| node.connected).count())
    }

    /// Asks until the answer is as it should be.
    async fn until_connected(&mut self, count: usize) {
        let come = async {
            while !self.connected().await.is_ok_and(|connected| connected == count) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), come).await.expect("they come");
    }
}

fn reason(status: &Status) -> (String, String) {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("{status:?} says why"));
    let leader = info.metadata.get("leader").cloned().unwrap_or_default();
    (info.reason, leader)
}

fn embedded() -> (Arc<Embedded>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    (Arc::new(Embedded::open(folder.path()).expect("a database")), folder)
}

#[test]
fn what_may_not_have_been_written_ends_all_streams_and_is_found_out_anew() {
    let runtime = Runtime::new().expect("a runtime");
    let (inner, _folder) = embedded();
    let database = Arc::new(Faulty::new(inner));
    for (next, done) in [(Next::FailsBefore, false), (Next::FailsAfter, true)] {
        runtime.block_on(async {
            let mut at = Running::start(Coordinator::builder(database.clone())).await;
            let agent = Agent::come(&runtime, &at.address, "node-a", "1.1.0", Moves::Done);
            at.until_connected(1).await;
            database.next(next);
            let denied = at.publish().await.expect_err("nobody knows");
            assert_eq!(reason(&denied).0, "NOT_KNOWN");
            // It begins anew by itself, with what is written.
            at.until_connected(1).await;
            let listed = at.client.list_versions(ListVersionsRequest::default()).await.expect("a list").into_inner();
            assert_eq!(!listed.versions.is_empty(), done, "{next:?}");
            assert!(agent.script(|script| script.ends.contains(&"STOPPING".to_owned())), "its stream has ended");
            assert_eq!(at.publish().await.expect("it is published").is_empty(), done);
            drop(agent);
            at.stop().await;
        });
        // The next one begins with nothing published.
        runtime.block_on(database.clear());
    }
}

#[test]
fn one_of_two_leads_and_the_other_takes_its_place() {
    let runtime = Runtime::new().expect("a runtime");
    let (database, _folder) = embedded();
    runtime.block_on(async {
        let mut first = Running::start(Coordinator::builder(database.clone()).name("first")).await;
        let mut second = Running::start(Coordinator::builder(database.clone()).name("second")).await;
        first.publish().await.expect("it leads");
        let denied = second.client.list_versions(ListVersionsRequest::default()).await.expect_err("it does not lead");
        assert_eq!(reason(&denied), ("NOT_LEADER".to_owned(), first.address.clone()));
        assert_eq!(reason(&second.publish().await.expect_err("it does not lead")).0, "NOT_LEADER");
        first.stop().await;
        let leads = async {
            loop {
                match second.client.list_versions(ListVersionsRequest::default()).await {
                    Ok(listed) => return listed.into_inner().versions.len(),
                    Err(denied) => assert_eq!(reason(&denied).0, "NOT_LEADER"),
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let versions = tokio::time::timeout(Duration::from_secs(60), leads).await.expect("it leads");
        assert_eq!(versions, 4, "what the first one wrote is there");
        second.stop().await;
    });
}

/// Nobody ever goes.
struct Never;

impl Schedule for Never {
    fn round<'a>(&'a self, _: &'a View, _: Clock, _: u64) -> Box<dyn Round + 'a> {
        Box::new(Never)
    }
}

impl Round for Never {
    fn decide(&mut self, _: usize, node: &NodeView) -> Decision {
        Decision::Wait { why: format!("{} never goes", node.name).into(), until: None }
    }

    fn goes(&mut self, _: usize, _: &NodeView) {}

    fn marks(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}

#[test]
fn a_scheduling_function_of_ones_own_is_asked_by_its_name() {
    let runtime = Runtime::new().expect("a runtime");
    let (database, _folder) = embedded();
    runtime.block_on(async {
        let mut at = Running::start(Coordinator::builder(database).schedule("never", Never)).await;
        at.publish().await.expect("it is published");
        let _agent = Agent::come(&runtime, &at.address, "node-a", "1.1.0", Moves::Done);
        at.until_connected(1).await;
        let start = |schedule: &str| StartUpgradeRequest {
            protocol: "inventory".to_owned(),
            to: "2.0.0".to_owned(),
            schedule: schedule.to_owned(),
            ..Default::default()
        };
        let denied = at.client.start_upgrade(start("own = [\"sometimes\"]")).await.expect_err("there is none");
        assert_eq!(reason(&denied).0, "INVALID_SCHEDULE");
        at.client.start_upgrade(start("own = [\"never\"]")).await.expect("it begins");
        let waits = async {
            loop {
                let upgrades =
                    at.client.list_upgrades(ListUpgradesRequest::default()).await.expect("a list").into_inner();
                let says =
                    |status: &UpgradeStatus| status.waits_for.iter().any(|waits| waits.what.contains("never goes"));
                if upgrades.upgrades.iter().any(says) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waits).await.expect("it says why");
        at.client
            .forget_node(ForgetNodeRequest {
                protocol: "inventory".to_owned(),
                node: "node-a".to_owned(),
                anyway: true,
            })
            .await
            .expect("it is forgotten");
        at.stop().await;
    });
}

#[test]
fn its_numbers_tell_of_a_fleet_and_of_its_upgrade() {
    let runtime = Runtime::new().expect("a runtime");
    let (database, _folder) = embedded();
    runtime.block_on(async {
        let mut at =
            Running::start(Coordinator::builder(database.clone()).name("first").schedule("never", Never)).await;
        let beside = Running::start(Coordinator::builder(database).name("second")).await;
        at.publish().await.expect("it is published");
        let _agents = ["node-a", "node-b"].map(|name| Agent::come(&runtime, &at.address, name, "1.1.0", Moves::Done));
        at.until_connected(2).await;
        let request = StartUpgradeRequest {
            protocol: "inventory".to_owned(),
            to: "2.0.0".to_owned(),
            schedule: "own = [\"never\"]".to_owned(),
            ..Default::default()
        };
        at.client.start_upgrade(request).await.expect("it begins");
        let scrape = |address: &str| {
            let (head, body) = page::ask(address, "GET", "/metrics");
            assert!(head.starts_with("http/1.1 200 "), "{head}");
            page::numbers(&body)
        };
        let own = r#"protocol="inventory","#;
        let waiting = format!(r#"straddle_upgrade_waiting_nodes{{{own}rule="schedule"}}"#);
        let numbers = async {
            loop {
                let numbers = tokio::task::block_in_place(|| scrape(&at.address));
                if numbers.get(&waiting) == Some(&2.0) {
                    return numbers;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let numbers = tokio::time::timeout(Duration::from_secs(60), numbers).await.expect("they wait");
        for (name, expected) in [
            ("straddle_coordinator_leads".to_owned(), 1.0),
            (format!(r#"straddle_fleet_nodes{{{own}version="1.1.0",phase="serving",connected="true"}}"#), 2.0),
            (format!(r#"straddle_upgrade_nodes{{{own}stage="waiting"}}"#), 2.0),
            (format!(r#"straddle_upgrade_nodes{{{own}stage="there"}}"#), 0.0),
            (r#"straddle_upgrade_done_ratio{protocol="inventory"}"#.to_owned(), 0.0),
            (r#"straddle_upgrade_rests{protocol="inventory"}"#.to_owned(), 0.0),
            (format!(r#"straddle_census_nodes{{{own}state="in_time"}}"#), 0.0),
            (format!(r#"straddle_census_nodes{{{own}state="late"}}"#), 0.0),
            (format!(r#"straddle_census_nodes{{{own}state="silent"}}"#), 2.0),
            (format!(r#"straddle_upgrade_info{{{own}number="1",from="1.1.0",to="2.0.0",state="running"}}"#), 1.0),
        ] {
            assert_eq!(numbers.get(&name), Some(&expected), "{name} in {numbers:#?}");
        }
        let standby = tokio::task::block_in_place(|| scrape(&beside.address));
        assert_eq!(standby.get("straddle_coordinator_leads"), Some(&0.0));
        assert!(!standby.keys().any(|name| name.starts_with("straddle_fleet")), "{standby:#?}");
        beside.stop().await;
        at.stop().await;
    });
}
