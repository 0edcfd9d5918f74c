//! What an agent decides, without sockets, clocks or tasks: inputs go in, what is to be said and done comes out. A simulation
//! runs it beside the coordinator's core.
//!
//! ```text
//!           Connected: Hello            Welcome: reports, requests
//!   Away ───────────────────> Greeting ────────────────────────────> Attending
//!    ^  Lost                     │  Lost                                 │  Lost
//!    └───────────────────────────┴───────────────────────────────────────┘
//!
//!           Permit, in time: Begin            MoveEnded: Ended
//!   Still ─────────────────────────> Moving ──────────────────> Still
//!     │  Permit that does not count: Ended      │  Word: Word
//!     └───> Still                               └───> Moving
//! ```
//!
//! The two have nothing to do with each other: a move goes on whatever becomes of the stream. What the coordinator said holds for as
//! long as its stream; after Hello it says all of it again.

mod learning;
mod moves;
mod ready;
mod reporting;
mod retiring;
mod telling;
#[cfg(test)]
mod tests;

use self::learning::Learning;
use self::moves::Moves;
use self::ready::Ready;
pub use self::ready::Step;
use self::reporting::Reporting;
use self::retiring::Retiring;
pub(super) use self::telling::EVERY as TELL_EVERY;
use self::telling::Telling;
use crate::control::v1_0_0 as wire;
use crate::version::Version;

/// How often to report before a coordinator has said so, and the least that is heeded: microseconds.
const REPORT_EVERY: u64 = 5_000_000;
const REPORT_LEAST: u64 = 20_000;
/// How long to wait before what failed is tried again, at first and at most: microseconds.
const AGAIN: u64 = 1_000_000;
const AGAIN_AT_MOST: u64 = 300_000_000;

/// What comes to an agent.
#[derive(Clone, Debug)]
pub enum Input {
    /// How the node is doing has changed, or it is time to report: all of it, with the calls since the last such input.
    Node(Box<wire::Report>),
    /// A stream to the coordinator is there.
    Connected,
    /// It is not, any more; the reason where the coordinator gave one (`FENCED`).
    Lost(Option<String>),
    /// The coordinator said something.
    Said(wire::ToAgent),
    /// A move that was begun is over.
    MoveEnded {
        /// Its permit.
        permit: u64,
        /// Why it came to nothing.
        failure: Option<wire::Failure>,
        /// How long callers waited, in microseconds.
        pause: u64,
    },
    /// A bundle was learned, or not.
    Learned {
        /// Its digest.
        digest: String,
        /// What the node knows now, or why it learned nothing.
        result: Result<Vec<wire::KnownVersion>, String>,
    },
    /// What [`Output::GetReady`] has begun is over; or why not all of it could be done.
    Ready(Result<(), String>),
    /// Finalizing is over.
    Finalized(Result<(), String>),
    /// What [`Output::Retire`] says is in force, or why not all of it.
    Retired(Result<(), String>),
    /// A label that the node does not know was on a call, or in a peer's answer.
    Unknown(String),
    /// What the coordinator answered to [`Output::Find`].
    Found {
        /// The version that was asked for.
        version: String,
        /// The bundles that lead to it; none: nobody has published it.
        bundles: Vec<String>,
    },
    /// What [`Output::Count`] has asked for, or the last that there is: what was counted since the last such input, up to this time.
    /// Its number and its own time are put in; all other times are as if it was said now.
    Counted {
        /// What was counted.
        census: Box<wire::Census>,
        /// Whether that is all calls: else the rest is asked for next.
        whole: bool,
        /// Whether callers are left to be told: then it is asked for sooner.
        left: bool,
    },
    /// Something was called for the first time.
    CalledFirst,
    /// It is time to look again.
    Tick,
}

/// What comes out.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there are few at a time, and each is taken apart at once")]
pub enum Output {
    /// To be said on the stream, in this order.
    Say(wire::FromAgent),
    /// Do what can be done of a move while callers are served, or what has come since this was said last;
    /// [`getting_ready`](AgentCore::getting_ready) asks for it.
    GetReady(Step),
    /// What was made ready is not wanted any more.
    StandDown,
    /// Begin to move, if Quiescing can be begun by `begin_by`, on the agent's own monotonic clock in microseconds.
    Begin {
        /// What was permitted.
        permit: wire::Permit,
        /// The last moment.
        begin_by: u64,
    },
    /// Give the word to the preparation of this permit, or take it back.
    Word {
        /// The permit.
        permit: u64,
        /// Whether to switch.
        switch: bool,
    },
    /// Fetch this bundle, and have the node learn it.
    Learn(String),
    /// Ask the coordinator what leads to a version.
    Find(String),
    /// Finalize what the node could take back.
    Finalize,
    /// This is to be retired and announced, and nothing else.
    Retire(wire::Retiring),
    /// The node may answer callers, or why not yet.
    Serve(Result<(), String>),
    /// This version's behaviour is active everywhere.
    Activate(String),
    /// Say who has called what: [`Input::Counted`].
    Count,
}

/// An agent. Time is microseconds of a monotonic clock of the node's own.
#[derive(Debug)]
pub struct AgentCore {
    /// Who the node is; what it knows is kept here as it is now.
    hello: wire::Hello,
    link: Link,
    reporting: Reporting,
    /// Of this stream.
    goal: Option<wire::Goal>,
    moves: Moves,
    ready: Ready,
    finalizing: Finalizing,
    learning: Learning,
    telling: Telling,
    retiring: Retiring,
    /// Whether the coordinator lets it serve, as it said last.
    welcome: Option<Result<(), String>>,
    /// What was last said of it.
    serves: Option<Result<(), String>>,
    active: Option<Version>,
    outputs: Vec<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Away,
    Greeting,
    Attending { report_every: u64 },
}

#[derive(Debug)]
enum Finalizing {
    No,
    /// When it fails, not before so much time is over.
    UnderWay {
        wait: u64,
    },
    Failed {
        again: u64,
        wait: u64,
    },
}

impl AgentCore {
    /// An agent of the node that `hello` tells of, with its report; nothing is said before it is connected, and the node serves
    /// nobody before [`Output::Serve`].
    #[must_use]
    pub fn new(mut hello: wire::Hello) -> Self {
        let report = hello.report.take().unwrap_or_default();
        // One that goes on right after another program serves already.
        let serves = report.serving.then_some(Ok(()));
        Self {
            hello,
            link: Link::Away,
            reporting: Reporting::new(report),
            goal: None,
            moves: Moves::default(),
            ready: Ready::default(),
            finalizing: Finalizing::No,
            learning: Learning::default(),
            telling: Telling::default(),
            retiring: Retiring::default(),
            welcome: None,
            serves,
            active: None,
            outputs: Vec::new(),
        }
    }

    /// Takes an input at a time.
    pub fn handle(&mut self, input: Input, now: u64) {
        match input {
            Input::Node(report) => self.reporting.note(*report),
            Input::Connected => self.connected(now),
            Input::Lost(reason) => self.lost(reason.as_deref()),
            Input::Said(said) => self.said(said.message, now),
            Input::MoveEnded { permit, failure, pause } => self.move_ended(permit, failure, pause),
            Input::Learned { digest, result } => self.learned(&digest, result, now),
            Input::Ready(result) => self.got_ready(result.is_ok(), now),
            Input::Finalized(result) => {
                let wait = if let Finalizing::UnderWay { wait } = self.finalizing { wait } else { AGAIN };
                self.finalizing = match result {
                    Ok(()) => Finalizing::No,
                    Err(_) => Finalizing::Failed { again: now.saturating_add(wait), wait: longer(wait) },
                };
                // Whether there is still a way back, the node is to say.
                self.reporting.outdate();
            }
            Input::Retired(result) => self.retired(result, now),
            Input::Unknown(label) => self.unknown(&label, now),
            Input::Found { version, bundles } => self.found(&version, bundles, now),
            Input::Counted { census, whole, left } => self.counted(*census, whole, left, now),
            Input::CalledFirst => self.telling.note_news(),
            Input::Tick => {}
        }
        self.go_on(now);
    }

    /// The number under which the coordinator has admitted the node last; 0 when it never has.
    #[must_use]
    pub fn admission(&self) -> u64 {
        self.hello.admission
    }

    /// What is to be said and done, in this order.
    pub fn take(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// When [`Input::Tick`] is due, or better [`Input::Node`], in microseconds from now; `None` when nothing is by time alone.
    #[must_use]
    pub fn next_tick(&self, now: u64) -> Option<u64> {
        if !self.is_attending() {
            return None;
        }
        let finalize = match self.finalizing {
            Finalizing::Failed { again, .. } if self.is_to_finalize() => Some(again),
            _ => None,
        };
        let wants_retiring = self.goal.as_ref().is_some_and(|goal| goal.retiring.is_some());
        let retire = self.retiring.due().filter(|_| wants_retiring);
        let report = self.reporting.due(self.report_every());
        let bundles = self.goal.as_ref().map(|goal| goal.bundles.as_slice()).unwrap_or_default();
        let due =
            [report, finalize, self.learning.due(bundles), self.telling.due(), retire].into_iter().flatten().min();
        due.map(|due| due.saturating_sub(now))
    }

    /// Whether a label that the node does not know is being learned: a caller is to come again soon.
    #[must_use]
    pub fn is_learning(&self, label: &str) -> bool {
        self.learning.is_under_way(label)
    }

    fn connected(&mut self, now: u64) {
        self.link = Link::Greeting;
        self.forget_the_stream();
        let report = self.told();
        self.reporting.greeted(&report, self.hello.knows.clone(), now);
        let hello = wire::Hello { report: Some(report), ..self.hello.clone() };
        self.say(wire::from_agent::Message::Hello(hello));
    }

    fn lost(&mut self, reason: Option<&str>) {
        self.link = Link::Away;
        self.forget_the_stream();
        if reason == Some("FENCED") {
            self.hello.admission = 0;
            // The coordinator counts on nothing that the node does any more: no word will come, and others may have gone on
            // without it.
            self.take_back_preparation();
            self.welcome = None;
            if self.serves == Some(Ok(())) {
                let why = Err("the coordinator has forgotten this node, and has to admit it anew".to_owned());
                self.serves = Some(why.clone());
                self.outputs.push(Output::Serve(why));
            }
        }
    }

    fn forget_the_stream(&mut self) {
        self.goal = None;
        self.moves.forget_requests();
        self.learning.forget_questions();
    }

    fn said(&mut self, said: Option<wire::to_agent::Message>, now: u64) {
        use wire::to_agent::Message;
        match said {
            Some(Message::Welcome(welcome)) => self.welcomed(welcome, now),
            // What comes before Welcome is of no stream of ours.
            _ if !self.is_attending() => {}
            Some(Message::Goal(goal)) => {
                self.activate(&goal.active);
                self.set_goal(goal);
            }
            Some(Message::Permit(permit)) => self.permitted(permit, now),
            Some(Message::Word(word)) => self.word(word),
            Some(Message::CensusTaken(taken)) => self.census_taken(taken.number),
            // Something newer than this agent.
            None => {}
        }
    }

    fn welcomed(&mut self, welcome: wire::Welcome, now: u64) {
        let first = self.link == Link::Greeting;
        if self.link == Link::Away {
            return;
        }
        let every = welcome.report_every_microseconds;
        let report_every = if every == 0 { REPORT_EVERY } else { every.max(REPORT_LEAST) };
        self.link = Link::Attending { report_every };
        self.hello.admission = welcome.admission;
        self.welcome = Some(if welcome.serve { Ok(()) } else { Err(welcome.why) });
        if first {
            self.say_ended_again();
            self.telling.begin(now.saturating_add(welcome.census_after_microseconds));
        }
    }

    /// Does and says what is due.
    fn go_on(&mut self, now: u64) {
        self.serve();
        if !self.is_attending() {
            return;
        }
        self.finalize(now);
        self.retire(now);
        self.learn(now);
        self.report(now);
        self.ask(now);
        self.tell(now);
    }

    /// Serves once the coordinator lets it, or when it has come to where it is to be. A node that serves goes on, until it is
    /// forgotten.
    fn serve(&mut self) {
        let Some(welcome) = self.welcome.clone() else { return };
        if self.serves == Some(Ok(())) {
            return;
        }
        let serves = if self.is_there() { Ok(()) } else { welcome };
        if self.serves.as_ref() != Some(&serves) {
            self.serves = Some(serves.clone());
            self.outputs.push(Output::Serve(serves));
        }
    }

    /// Whether the node is at the version of the goal, with nothing left to do.
    fn is_there(&self) -> bool {
        let Some(goal) = &self.goal else { return false };
        let there = !goal.version.is_empty() && goal.version == self.reporting.node().version;
        there
            && self.reporting.is_fresh()
            && self.is_still()
            && !self.is_to_finalize()
            && !matches!(self.finalizing, Finalizing::UnderWay { .. })
    }

    fn finalize(&mut self, now: u64) {
        let due = match self.finalizing {
            Finalizing::No => true,
            Finalizing::UnderWay { .. } => false,
            Finalizing::Failed { again, .. } => again <= now,
        };
        if due && self.is_to_finalize() {
            let wait = if let Finalizing::Failed { wait, .. } = self.finalizing { wait } else { AGAIN };
            self.finalizing = Finalizing::UnderWay { wait };
            self.outputs.push(Output::Finalize);
        }
    }

    /// Whether there is a way back that nobody wants any more: the goal says so, or nobody can go behind this version.
    fn is_to_finalize(&self) -> bool {
        let (Some(goal), node) = (&self.goal, self.reporting.node()) else { return false };
        let Some(runs) = version(&node.version) else { return false };
        let back = version(&goal.version).is_some_and(|wanted| wanted < runs);
        let reaches = |word: &str| version(word).is_some_and(|word| runs <= word || runs.same_schema(&word));
        let finalized = reaches(&goal.final_up_to) || reaches(&goal.active);
        finalized && !back && !node.back.is_empty() && self.is_still() && self.reporting.is_fresh()
    }

    fn activate(&mut self, active: &str) {
        let Some(newer) = version(active) else { return };
        if self.active.as_ref().is_none_or(|active| newer > *active) {
            self.outputs.push(Output::Activate(newer.to_string()));
            self.active = Some(newer);
        }
    }

    fn is_attending(&self) -> bool {
        matches!(self.link, Link::Attending { .. })
    }

    fn report_every(&self) -> u64 {
        if let Link::Attending { report_every } = self.link { report_every } else { REPORT_EVERY }
    }

    fn say(&mut self, message: wire::from_agent::Message) {
        self.outputs.push(Output::Say(wire::FromAgent { message: Some(message) }));
    }
}

/// A version that somebody wrote; none is as good as one that cannot be read.
fn version(text: &str) -> Option<Version> {
    text.parse().ok()
}

/// Twice as long to wait.
fn longer(wait: u64) -> u64 {
    wait.saturating_mul(2).min(AGAIN_AT_MOST)
}
