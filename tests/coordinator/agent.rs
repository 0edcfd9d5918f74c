//! Agents of nodes that are not there: what they decide is the real thing, what their nodes do is a script.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use straddle::control::v1_0_0::{FromAgent, Hello, KnownVersion, Phase, Report, Way, agents_client};
use straddle::node::agent::core::{AgentCore, Input, Output};
use straddle::transport::Channel;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic_types::StatusExt;

/// A node that says that it moves, and has no state.
pub(crate) struct Agent {
    task: JoinHandle<()>,
    pub(crate) script: Arc<Mutex<Script>>,
}

/// What the node does.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) version: String,
    back: String,
    /// What becomes of its moves.
    pub(crate) moves: Moves,
    /// Whether the agent says that it serves.
    pub(crate) serves: Option<Result<(), String>>,
    /// Bundles that it was told to learn.
    pub(crate) learned: Vec<String>,
    /// Why streams have ended.
    pub(crate) ends: Vec<String>,
    /// What it reports as `faults` while it runs 2.0.0.
    pub(crate) faults: f64,
}

/// What becomes of a node's moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "not all tests that share this use it")]
pub(crate) enum Moves {
    Done,
    Fail,
    /// They begin, and never end.
    Hang,
}

impl Agent {
    /// A node of the inventory comes to the coordinator, and stays until this is dropped.
    pub(crate) fn come(runtime: &Runtime, coordinator: &str, node: &str, version: &str, moves: Moves) -> Self {
        let script = Script {
            version: version.to_owned(),
            back: String::new(),
            moves,
            serves: None,
            learned: Vec::new(),
            ends: Vec::new(),
            faults: 0.0,
        };
        let script = Arc::new(Mutex::new(script));
        let hello = hello(node);
        let (coordinator, shared) = (coordinator.to_owned(), script.clone());
        let task = runtime.spawn(async move { Attending::new(hello, shared).run(&coordinator).await });
        Self { task, script }
    }

    pub(crate) fn script<T>(&self, read: impl FnOnce(&mut Script) -> T) -> T {
        read(&mut self.script.lock().expect("a script"))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn hello(node: &str) -> Hello {
    let protocol = straddle::inventory::generated::protocol();
    let known = protocol.versions().iter().map(|schema| KnownVersion {
        version: schema.version().to_string(),
        schema: schema.digest().to_string(),
        learned: false,
    });
    // `node-a` is in zone a.
    let zone = node.rsplit('-').next().unwrap_or_default().to_owned();
    Hello {
        node: node.to_owned(),
        protocol: protocol.name().to_owned(),
        address: format!("{node}:7000"),
        labels: HashMap::from([("zone".to_owned(), zone)]).into_iter().collect(),
        runs: ["1.1.0", "2.0.0", "3.0.0"].map(str::to_owned).to_vec(),
        ways: vec![Way::Soft.into(), Way::Barrier.into()],
        instance: format!("{node}-1"),
        admission: 0,
        knows: known.collect(),
        report: None,
    }
}

struct Attending {
    core: AgentCore,
    script: Arc<Mutex<Script>>,
    begun: Instant,
    /// The permit of a move that hangs.
    moving: Option<(u64, String, bool)>,
}

impl Attending {
    fn new(hello: Hello, script: Arc<Mutex<Script>>) -> Self {
        let begun = Instant::now();
        let mut own = Self { core: AgentCore::new(hello), script, begun, moving: None };
        own.report();
        own
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).expect("a short test")
    }

    fn report(&mut self) {
        let script = self.script.lock().expect("a script").clone();
        let mut report = Report {
            version: script.version.clone(),
            phase: Phase::Serving.into(),
            back: script.back.clone(),
            next: next(&script.version).to_owned(),
            serving: script.serves == Some(Ok(())),
            active: "1.0.0".to_owned(),
            ..Report::default()
        };
        if let Some((permit, to, back)) = &self.moving {
            report.phase = Phase::Transforming.into();
            report.moving_to.clone_from(to);
            report.moving_back = *back;
            report.permit = *permit;
        }
        if script.version == "2.0.0" {
            report.values.insert("faults".to_owned(), script.faults);
        }
        let now = self.now();
        self.core.handle(Input::Node(Box::new(report)), now);
    }

    async fn run(mut self, coordinator: &str) {
        loop {
            let channel = Channel::owner(coordinator).build().expect("an address");
            let (say, said) = mpsc::channel(64);
            let now = self.now();
            self.core.handle(Input::Connected, now);
            self.act(&say).await;
            let ended = match agents_client(channel).attend(ReceiverStream::new(said)).await {
                Ok(hears) => self.attend(hears.into_inner(), &say).await,
                Err(status) => status,
            };
            let reason = ended.get_details_error_info().map(|info| info.reason);
            self.script.lock().expect("a script").ends.extend(reason.clone());
            let now = self.now();
            self.core.handle(Input::Lost(reason), now);
            // Nobody knows when a coordinator comes back.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn attend(
        &mut self,
        mut hears: tonic::Streaming<straddle::control::v1_0_0::ToAgent>,
        say: &mpsc::Sender<FromAgent>,
    ) -> Status {
        loop {
            self.act(say).await;
            let next = self.core.next_tick(self.now()).map_or(Duration::from_secs(3600), Duration::from_micros);
            tokio::select! {
                came = hears.message() => match came {
                    Ok(Some(came)) => {
                        let now = self.now();
                        self.core.handle(Input::Said(came), now);
                    }
                    Ok(None) => return Status::unavailable("the stream ended"),
                    Err(status) => return status,
                },
                () = tokio::time::sleep(next) => self.report(),
            }
        }
    }

    /// Does what the agent wants done.
    async fn act(&mut self, say: &mpsc::Sender<FromAgent>) {
        loop {
            let outputs = self.core.take();
            if outputs.is_empty() {
                return;
            }
            for output in outputs {
                self.one(output, say).await;
            }
        }
    }

    async fn one(&mut self, output: Output, say: &mpsc::Sender<FromAgent>) {
        let now = self.now();
        match output {
            Output::Say(message) => {
                // Who does not listen any more has ended the stream.
                let _ = say.send(message).await;
            }
            Output::Begin { permit, .. } => {
                let moves = self.script.lock().expect("a script").moves;
                let failure = match moves {
                    Moves::Hang => {
                        self.moving = Some((permit.permit, permit.to.clone(), permit.back));
                        return self.report();
                    }
                    Moves::Fail => Some(straddle::control::v1_0_0::Failure {
                        reason: "MOVE_FAILED".to_owned(),
                        what: "the transform function failed on purpose".to_owned(),
                        advice: "repair it".to_owned(),
                    }),
                    Moves::Done => {
                        let mut script = self.script.lock().expect("a script");
                        script.back = if permit.back { String::new() } else { permit.from.clone() };
                        script.version.clone_from(&permit.to);
                        None
                    }
                };
                self.core.handle(Input::MoveEnded { permit: permit.permit, failure, pause: 1000 }, now);
                self.report();
            }
            Output::Learn(digest) => {
                self.script.lock().expect("a script").learned.push(digest.clone());
                self.core.handle(Input::Learned { digest, result: Ok(Vec::new()) }, now);
            }
            Output::Finalize => {
                self.script.lock().expect("a script").back.clear();
                self.core.handle(Input::Finalized(Ok(())), now);
                self.report();
            }
            Output::Serve(serves) => {
                self.script.lock().expect("a script").serves = Some(serves);
                self.report();
            }
            Output::Retire(_) => {
                self.core.handle(Input::Retired(Ok(())), now);
                self.report();
            }
            Output::Find(_)
            | Output::Word { .. }
            | Output::Activate(_)
            | Output::GetReady(_)
            | Output::StandDown
            | Output::Count => {}
        }
    }
}

fn next(version: &str) -> &'static str {
    match version {
        "1.1.0" => "2.0.0",
        "2.0.0" => "3.0.0",
        _ => "",
    }
}
