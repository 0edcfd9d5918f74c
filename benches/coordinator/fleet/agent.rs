//! One node: its agent is the real one, and its moves are a script.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prost::Message;
use straddle::control::v1_0_0::{FromAgent, Phase, ToAgent, agents_client, from_agent, to_agent};
use straddle::node::agent::core::{AgentCore, Input, Output};
use straddle::transport::Channel;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_stream::wrappers::ReceiverStream;

use super::script::{self, RUNS};

/// How long a move takes.
const MOVE: Duration = Duration::from_millis(100);
/// As agents of nodes have them.
const CONNECT: Duration = Duration::from_secs(2);
const SILENCE: Duration = Duration::from_secs(10);
/// How many connect at once: each node would have a processor of its own for it, and these share one.
const DOORS: usize = 100;
/// What all agents of the process share.
pub(super) struct Shared {
    begun: Instant,
    tally: Mutex<Tally>,
    /// Who may connect.
    doors: Semaphore,
}

/// What has happened.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) admitted: usize,
    pub(super) reports: u64,
    pub(super) report_bytes: usize,
    pub(super) groups: usize,
    pub(super) lost: u64,
    pub(super) finalized: usize,
    /// When it was asked for, and when it came; of this upgrade.
    pub(super) permits: Vec<(u64, u64)>,
    /// When nodes said that they serve at the new version.
    pub(super) came: Vec<u64>,
}

impl Tally {
    /// Another upgrade begins.
    pub(super) fn begin(&mut self) {
        self.permits.clear();
        self.came.clear();
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self { begun: Instant::now(), tally: Mutex::default(), doors: Semaphore::new(DOORS) }
    }
}

impl Shared {
    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Microseconds, as agents count them.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// Attends until the process ends.
pub(super) async fn run(address: String, number: usize, shared: Arc<Shared>) {
    let mut agent = Agent {
        core: AgentCore::new(script::hello(number)).counting(30_000_000),
        shared,
        runs: 0,
        back: None,
        serves: false,
        admitted: false,
        asked: None,
        moving: None,
        told: 0,
    };
    agent.look();
    let mut wait = Duration::from_millis(50);
    loop {
        if agent.attend(&address).await.is_some() {
            wait = Duration::from_millis(50);
        }
        agent.shared.tally().lost += 1;
        agent.handle(Input::Lost(None));
        sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(5));
    }
}

struct Agent {
    core: AgentCore,
    shared: Arc<Shared>,
    /// The version that it runs, and the one that it could be taken back to: places among those that it can run.
    runs: usize,
    back: Option<usize>,
    serves: bool,
    admitted: bool,
    /// When it asked first for what it wants.
    asked: Option<u64>,
    /// The permit of a move, where it leads, and when it ends.
    moving: Option<(u64, usize, Instant)>,
    /// Batches of the census that had something to tell.
    told: usize,
}

impl Agent {
    /// One stream from beginning to end; none where there was none.
    async fn attend(&mut self, address: &str) -> Option<()> {
        let channel = Channel::owner(address).connect_timeout(CONNECT).wait_limit(CONNECT).replay_limit(0);
        let channel = channel.keep_alive(SILENCE, SILENCE).user_agent("straddle-agent").build().ok()?;
        let shared = self.shared.clone();
        let door = shared.doors.acquire().await.ok()?;
        channel.connect().await.ok()?;
        let (say, said) = mpsc::channel(64);
        self.look();
        self.handle(Input::Connected);
        self.act(&say).await;
        let mut hears = agents_client(channel).attend(ReceiverStream::new(said)).await.ok()?.into_inner();
        drop(door);
        loop {
            self.act(&say).await;
            let next = self.core.next_tick(self.shared.now()).map_or(Duration::from_secs(3600), Duration::from_micros);
            let moved = self.moving.map(|(_, _, at)| at);
            tokio::select! {
                message = hears.message() => match message {
                    Ok(Some(said)) => self.hear(said),
                    Ok(None) | Err(_) => return Some(()),
                },
                () = sleep(next) => self.look(),
                () = sleep_until(moved.unwrap_or_else(Instant::now)), if moved.is_some() => self.moved(),
            }
        }
    }

    fn handle(&mut self, input: Input) {
        let now = self.shared.now();
        self.core.handle(input, now);
    }

    fn hear(&mut self, heard: ToAgent) {
        if let Some(to_agent::Message::Permit(_)) = &heard.message {
            let now = self.shared.now();
            self.shared.tally().permits.push((self.asked.take().unwrap_or(now), now));
        }
        self.handle(Input::Said(heard));
    }

    /// Says how the node is.
    fn look(&mut self) {
        let mut report = script::report(self.serves && self.moving.is_none(), self.runs);
        report.back = self.back.map(|back| RUNS[back].to_owned()).unwrap_or_default();
        if let Some((permit, to, _)) = self.moving {
            (report.permit, report.moving_to) = (permit, RUNS[to].to_owned());
            report.set_phase(Phase::Transforming);
        }
        self.handle(Input::Node(Box::new(report)));
    }

    /// Its move is over.
    fn moved(&mut self) {
        let Some((permit, to, _)) = self.moving.take() else { return };
        (self.back, self.runs) = (Some(self.runs), to);
        self.handle(Input::MoveEnded { permit, failure: None, pause: 2_000 });
        self.look();
        let now = self.shared.now();
        self.shared.tally().came.push(now);
    }

    /// Does what the agent wants done.
    async fn act(&mut self, say: &mpsc::Sender<FromAgent>) {
        loop {
            let outputs = self.core.take();
            if outputs.is_empty() {
                return;
            }
            for output in outputs {
                match output {
                    Output::Say(said) => {
                        self.count(&said);
                        // Who does not listen any more has ended the stream.
                        let _ = say.send(said).await;
                    }
                    other => self.act_on(other),
                }
            }
        }
    }

    fn count(&mut self, said: &FromAgent) {
        match &said.message {
            Some(from_agent::Message::Report(report)) => {
                let mut tally = self.shared.tally();
                tally.reports += 1;
                if report.calls.len() >= tally.groups {
                    (tally.groups, tally.report_bytes) = (report.calls.len(), said.encoded_len());
                }
            }
            Some(from_agent::Message::PermitRequest(_)) => {
                let now = self.shared.now();
                self.asked.get_or_insert(now);
            }
            _ => {}
        }
    }

    fn act_on(&mut self, output: Output) {
        match output {
            Output::Begin { permit, .. } => {
                let to = RUNS.into_iter().position(|version| version == permit.to).unwrap_or(self.runs);
                self.moving = Some((permit.permit, to, Instant::now() + MOVE));
                self.look();
            }
            Output::Finalize => {
                self.back = None;
                self.handle(Input::Finalized(Ok(())));
                self.look();
                self.shared.tally().finalized += 1;
            }
            Output::Serve(serves) => {
                self.serves = serves.is_ok();
                if self.serves && !std::mem::replace(&mut self.admitted, true) {
                    self.shared.tally().admitted += 1;
                }
                self.look();
            }
            Output::Count => {
                let census = Box::new(script::census(self.serves, self.told));
                self.told += usize::from(self.serves);
                let left = !self.told.is_multiple_of(script::BATCHES);
                self.handle(Input::Counted { census, whole: true, left });
            }
            // Its program was built with all that is published, and nobody names anything else.
            Output::Learn(_)
            | Output::Find(_)
            | Output::Word { .. }
            | Output::Activate(_)
            | Output::GetReady(_)
            | Output::Retire(_)
            | Output::StandDown
            | Output::Say(_) => {}
        }
    }
}
