//! What nodes do: connect, report, move, crash, learn, answer calls.

use std::collections::{BTreeMap, BTreeSet};

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::{Phase, Way};
use straddle::coordinator::database;
use straddle::node::agent::core::{AgentCore, Input, Output};

use super::census::Counting;
use super::checks;
use super::clock::{Clock, SECOND};
use super::doors::Front;
use super::node::{Move, Node};
use super::protocol::NAME;
use super::retirement::Broken;
use super::world::{Crash, Event, Fault, World};

/// While faults happen.
pub(crate) const FAULTS: u64 = 480 * SECOND;

impl World {
    /// The nodes, and all that will go wrong.
    pub(crate) fn populate(&mut self) {
        let nodes = self.random.usize(3..7);
        for _ in 0..nodes {
            self.new_node();
        }
        for node in 0..nodes {
            let wait = self.random.u64(0..3 * SECOND);
            self.after(wait, Event::StartNode(node));
        }
        self.after(0, Event::StartCoordinator);
        self.after(2 * SECOND, Event::Operate);
        self.after(SECOND, Event::Calls);
        let faults = self.random.usize(0..14);
        for _ in 0..faults {
            let (time, fault) = (self.random.u64(SECOND..FAULTS), self.draw_fault(nodes));
            self.at(time, Event::Fault(fault));
        }
        if self.random.bool() {
            let time = self.random.u64(30 * SECOND..FAULTS);
            self.at(time, Event::Fault(Fault::Join));
        }
        for _ in 0..self.dice.usize(0..3) {
            let (node, time) = (self.dice.usize(0..nodes), self.dice.u64(SECOND..60 * SECOND));
            let at = self.dice.u64(SECOND..FAULTS);
            self.at(at, Event::Fault(Fault::StopNode(node, time)));
        }
        for _ in 0..self.dice.usize(0..3) {
            let (node, at) = (self.dice.usize(0..nodes), self.dice.u64(SECOND..FAULTS));
            let seconds = self.dice.i64(-7_200..7_200);
            self.at(at, Event::Fault(Fault::JumpNode(node, seconds)));
        }
    }

    /// Each upgrade limits how many versions run at once, and nodes come that are behind.
    pub(crate) fn mind_skew(&mut self) {
        self.operator.mind_skew();
        for _ in 0..6 {
            let time = self.random.u64(30 * SECOND..FAULTS);
            self.at(time, Event::Fault(Fault::Join));
        }
    }

    fn draw_fault(&mut self, nodes: usize) -> Fault {
        let node = self.random.usize(0..nodes);
        let time = self.random.u64(SECOND..120 * SECOND);
        match self.random.u8(0..22) {
            0 => Fault::Crash(Crash::Before),
            1 => Fault::Crash(Crash::Within),
            2 => Fault::Crash(Crash::After),
            3 => Fault::LoseLead,
            4 | 5 => Fault::Partition(node, time),
            7..=10 => Fault::CrashNode(node, time),
            11 => Fault::Kill(node),
            12 => Fault::Fail(node, self.random.u32(1..3)),
            13 => Fault::Hold(node, time),
            14 => Fault::Jump(self.random.i64(-7_200..7_200)),
            16 | 17 | 20 | 21 => Fault::Crash(Crash::Amid(self.random.u64(0..30))),
            18 => Fault::Disk(database::Fault::Fails, self.random.u64(0..300), time / 4),
            19 => Fault::Disk(database::Fault::Tears, self.random.u64(0..300), time / 4),
            _ => Fault::Drop(node),
        }
    }

    fn new_node(&mut self) -> usize {
        let index = self.nodes.len();
        let first = self.operator.first;
        let ways = match self.random.u8(0..10) {
            0..3 => vec![Way::Restart],
            _ => vec![Way::Soft, Way::Barrier],
        };
        // Supervised programs are replaced; of the others, some are too old for the last version.
        let newest = self.fleet.versions() - 1;
        let last = if ways.contains(&Way::Restart) || self.random.u8(0..5) == 0 {
            self.random.usize(first..=newest)
        } else {
            newest
        };
        let clock = Clock::new(&mut self.random, self.time);
        self.nodes.push(Node {
            name: format!("node-{index}"),
            zone: ["a", "b"][index % 2].to_owned(),
            ways,
            clock,
            began: 0,
            kept: None,
            told: None,
            front: None,
            counting: Counting::default(),
            version: first,
            back: None,
            journal: None,
            last_permit: 0,
            failure: None,
            learned: BTreeSet::new(),
            admission: 0,
            program: (0, last),
            agent: None,
            instance: 0,
            stream: None,
            serve: false,
            held: false,
            drained: false,
            served_at: self.time,
            calls: BTreeMap::new(),
            fails: 0,
            dead: false,
            keeps_admission: self.random.bool(),
            unpushed: self.random.u8(0..4) == 0,
            gets_ready: self.random.bool(),
            ticks: 0,
            next_tick: None,
        });
        index
    }

    pub(crate) fn join(&mut self) {
        let node = self.new_node();
        self.start_node(node);
        if self.random.bool() {
            let (wait, time) = (self.random.u64(0..3 * SECOND), self.random.u64(20 * SECOND..200 * SECOND));
            self.after(wait, Event::Fault(Fault::Partition(node, time)));
        }
    }

    pub(crate) fn start_node(&mut self, node: usize) {
        if self.nodes[node].dead || self.nodes[node].is_up() {
            return;
        }
        let one = &mut self.nodes[node];
        one.recover();
        one.instance += 1;
        (one.began, one.counting) = (one.clock.monotonic(self.time), Counting::begins(self.time));
        one.serve = false;
        one.drained = false;
        one.next_tick = None;
        let forgets = self.retirement.broken == Some(Broken::Forgets);
        let kept = if forgets { None } else { one.kept.as_deref() };
        let late = self.retirement.late.clone();
        one.front = Some(Front::start(self.fleet, (kept, one.told.as_ref()), (one.version, one.back), late));
        let hello = one.hello(self.fleet, NAME);
        let agent = AgentCore::new(hello).counting(30 * SECOND);
        one.agent = Some(if one.gets_ready { agent.getting_ready() } else { agent });
        let instance = one.instance;
        self.unknown_since.retain(|(other, _), _| *other != node);
        self.after(1_000, Event::Connect { node, instance });
        self.go_on(node);
    }

    /// A move that was left in the middle of something goes on.
    fn go_on(&mut self, node: usize) {
        let Some(one) = self.nodes[node].journal.clone() else { return };
        let wait = self.random.u64(100_000..5 * SECOND);
        let instance = self.nodes[node].instance;
        self.after(wait, Event::Step { node, permit: one.permit, phase: one.phase.into(), instance });
    }

    pub(crate) fn crash_node(&mut self, node: usize) {
        let notices = self.random.u64(1_000..40 * SECOND);
        let one = &mut self.nodes[node];
        (one.agent, one.front) = (None, None);
        one.serve = false;
        one.calls.clear();
        if let Some(stream) = one.stream.take() {
            self.cut(stream, 1, notices);
        }
    }

    pub(crate) fn connect(&mut self, node: usize, instance: u64) {
        let one = &self.nodes[node];
        if one.instance != instance || !one.is_up() || one.stream.is_some() {
            return;
        }
        // Most reach the leader; a few one that does not know yet that it is none.
        let epochs: Vec<u64> = self.processes.keys().copied().collect();
        let epoch = if self.random.u8(0..10) == 0 { epochs.first() } else { epochs.last() };
        let Some(epoch) = epoch.copied().filter(|_| !self.is_partitioned(node)) else {
            let wait = self.random.u64(200_000..2 * SECOND);
            return self.after(wait, Event::Connect { node, instance });
        };
        let stream = self.open(node, instance, epoch);
        self.nodes[node].stream = Some(stream);
        self.agent(node, Input::Connected);
    }

    pub(crate) fn lost(&mut self, number: u64, reason: Option<String>) {
        let Some(stream) = self.streams.get_mut(&number) else { return };
        let (node, instance) = (stream.node, stream.instance);
        if std::mem::replace(&mut stream.lost, true) || self.nodes[node].stream != Some(number) {
            return;
        }
        if reason.as_deref() == Some("FENCED") {
            self.nodes[node].admission = 0;
        }
        self.nodes[node].stream = None;
        self.agent(node, Input::Lost(reason));
        let wait = self.random.u64(100_000..3 * SECOND);
        self.after(wait, Event::Connect { node, instance });
    }

    pub(crate) fn told(&mut self, number: u64, mut said: wire::ToAgent) {
        let Some(stream) = self.streams.get(&number) else { return };
        let (node, lost) = (stream.node, stream.lost);
        if lost || self.nodes[node].stream != Some(number) {
            return;
        }
        if let Some(wire::to_agent::Message::Welcome(welcome)) = &said.message {
            self.nodes[node].admission = welcome.admission;
        }
        if let Some(wire::to_agent::Message::Goal(goal)) = &mut said.message
            && self.nodes[node].unpushed
        {
            goal.bundles.clear();
        }
        if let Some(wire::to_agent::Message::Goal(goal)) = &mut said.message
            && self.retirement.broken == Some(Broken::Untold)
            && node == 0
        {
            goal.retiring = None;
        }
        if let Some(wire::to_agent::Message::Goal(goal)) = &mut said.message
            && self.hasty
        {
            goal.final_up_to = self.fleet.name(self.fleet.versions() - 1);
        }
        self.agent(node, Input::Said(said));
    }

    pub(crate) fn agent_tick(&mut self, node: usize, instance: u64, tick: u64) {
        let one = &self.nodes[node];
        if one.instance == instance && one.is_up() && one.ticks == tick {
            self.nodes[node].next_tick = None;
            self.report(node);
        }
    }

    /// Tells the agent how its node is doing.
    pub(crate) fn report(&mut self, node: usize) {
        if !self.nodes[node].is_up() {
            return;
        }
        let calls = self.nodes[node].take_calls();
        let report = wire::Report { calls, ..self.nodes[node].report(self.fleet) };
        self.agent(node, Input::Node(Box::new(report)));
    }

    /// An input to an agent, and all that comes of it.
    pub(crate) fn agent(&mut self, node: usize, input: Input) {
        let time = self.time;
        let one = &mut self.nodes[node];
        let now = one.now(time);
        let Some(agent) = &mut one.agent else { return };
        agent.handle(input, now);
        let outputs = agent.take();
        let next = agent.next_tick(now).map(|wait| time + one.clock.true_time(wait).max(1));
        if let Some(next) = next
            && one.next_tick.is_none_or(|before| before > next || before <= time)
        {
            one.ticks += 1;
            one.next_tick = Some(next);
            let (instance, tick) = (one.instance, one.ticks);
            self.at(next, Event::AgentTick { node, instance, tick });
        }
        for output in outputs {
            self.agent_wants(node, output);
        }
    }

    fn agent_wants(&mut self, node: usize, output: Output) {
        let instance = self.nodes[node].instance;
        match output {
            Output::Say(said) => {
                if let Some(stream) = self.nodes[node].stream {
                    self.up(stream, said);
                }
            }
            Output::Begin { permit, begin_by } => self.begin(node, &permit, begin_by),
            Output::Word { permit, switch } => self.word(node, permit, switch),
            Output::Learn(digest) => {
                let wait = self.random.u64(10_000..3 * SECOND);
                self.after(wait, Event::Learned { node, instance, digest });
            }
            Output::Finalize => {
                let wait = self.random.u64(10_000..2 * SECOND);
                self.after(wait, Event::Finalized { node, instance });
            }
            Output::Serve(serve) => {
                self.nodes[node].serve = serve.is_ok();
                self.report(node);
            }
            Output::Find(version) => {
                checks::asks(self, node);
                let twice = self.random.u8(0..8) == 0;
                for _ in 0..=u8::from(twice) {
                    let delay = self.delay();
                    self.after(delay, Event::Find { node, instance, version: version.clone() });
                }
            }
            Output::GetReady(_) => {
                self.store.happened("got ready");
                // Mostly there is little to copy.
                let wait = if self.random.u8(0..10) == 0 { 60 * SECOND } else { self.random.u64(10_000..5 * SECOND) };
                let result = if self.random.u8(0..8) == 0 { Err("as the seed says".to_owned()) } else { Ok(()) };
                self.after(wait, Event::Ready { node, instance, result });
            }
            Output::Retire(retiring) => self.retires(node, retiring),
            Output::Activate(_) | Output::StandDown => {}
            Output::Count => self.tell(node, false),
        }
    }

    fn begin(&mut self, node: usize, permit: &wire::Permit, begin_by: u64) {
        let (from, to) = (self.fleet.index(&permit.from), self.fleet.index(&permit.to));
        let one = &mut self.nodes[node];
        if one.journal.is_some() || one.version != from {
            return self.move_ended(node, permit.permit, Some("NOT_PERMITTED"));
        }
        one.journal = Some(Move {
            permit: permit.permit,
            from,
            to,
            back: permit.back,
            way: permit.way(),
            phase: Phase::Permitted,
            attempts: 1,
            prepared: false,
        });
        let instance = one.instance;
        self.begin_by.insert((node, permit.permit), begin_by);
        // Sometimes what stands before Quiescing takes long.
        let wait = if self.random.u8(0..20) == 0 { 40 * SECOND } else { self.random.u64(1_000..2 * SECOND) };
        self.after(wait, Event::Step { node, permit: permit.permit, phase: Phase::Permitted.into(), instance });
        self.report(node);
    }

    fn word(&mut self, node: usize, permit: u64, switch: bool) {
        let one = &mut self.nodes[node];
        let Some(journal) = one.journal.as_mut().filter(|journal| journal.permit == permit) else { return };
        if !switch {
            if journal.prepared || journal.phase == Phase::Permitted {
                self.move_ended(node, permit, Some("NO_WORD"));
            }
            return;
        }
        if !journal.prepared {
            return;
        }
        journal.prepared = false;
        let instance = one.instance;
        self.quiesce(node, permit, instance);
    }

    fn quiesce(&mut self, node: usize, permit: u64, instance: u64) {
        checks::quiesces(self, node);
        if let Some(journal) = &mut self.nodes[node].journal {
            journal.phase = Phase::Quiescing;
        }
        self.note(|| format!("node {node} quiesces"));
        let wait = self.random.u64(1_000..3 * SECOND);
        self.after(wait, Event::Step { node, permit, phase: Phase::Quiescing.into(), instance });
        self.report(node);
    }

    /// The next thing in a move, as long as it is still the same.
    pub(crate) fn step(&mut self, node: usize, permit: u64, phase: i32, instance: u64) {
        let one = &self.nodes[node];
        let Some(journal) = one.journal.clone() else { return };
        if !one.is_up() || one.instance != instance || journal.permit != permit || i32::from(journal.phase) != phase {
            return;
        }
        match journal.phase {
            Phase::Permitted if journal.prepared => self.move_ended(node, permit, Some("NO_WORD")),
            Phase::Permitted => {
                let begin_by = self.begin_by.get(&(node, permit)).copied().unwrap_or(0);
                if one.held {
                    return self.move_ended(node, permit, Some("HELD"));
                }
                if one.now(self.time) >= begin_by {
                    return self.move_ended(node, permit, Some("EXPIRED"));
                }
                if journal.way == Way::Barrier {
                    self.nodes[node].journal = Some(Move { prepared: true, ..journal });
                    self.after(60 * SECOND, Event::Step { node, permit, phase, instance });
                    return self.report(node);
                }
                self.quiesce(node, permit, instance);
            }
            Phase::Quiescing => {
                let next = if journal.back { Phase::Reversing } else { Phase::Transforming };
                if journal.way == Way::Restart && !journal.back {
                    // Another program goes on with it.
                    self.nodes[node].journal = Some(Move { phase: next, ..journal.clone() });
                    self.crash_node(node);
                    let one = &mut self.nodes[node];
                    one.program.1 = one.program.1.max(journal.to);
                    return self.after(SECOND, Event::StartNode(node));
                }
                self.enter(node, next);
            }
            Phase::Transforming | Phase::Reversing if one.fails > 0 => {
                self.nodes[node].fails -= 1;
                self.move_ended(node, permit, Some("MOVE_FAILED"));
            }
            Phase::Transforming | Phase::Reversing => self.enter(node, Phase::Switching),
            Phase::Switching => {
                checks::switches(self, node, journal.to);
                self.nodes[node].version = journal.to;
                self.enter(node, Phase::Verifying);
            }
            Phase::Verifying => {
                self.nodes[node].back = (!journal.back).then_some(journal.from);
                self.move_ended(node, permit, None);
            }
            _ => {}
        }
    }

    fn enter(&mut self, node: usize, phase: Phase) {
        let one = &mut self.nodes[node];
        let Some(journal) = &mut one.journal else { return };
        journal.phase = phase;
        let (permit, instance) = (journal.permit, one.instance);
        let wait = self.random.u64(10_000..6 * SECOND);
        self.after(wait, Event::Step { node, permit, phase: phase.into(), instance });
        self.report(node);
    }

    fn move_ended(&mut self, node: usize, permit: u64, reason: Option<&str>) {
        self.note(|| format!("node {node} ends permit {permit}: {reason:?}"));
        let one = &mut self.nodes[node];
        if one.journal.as_ref().is_some_and(|journal| journal.permit == permit) {
            one.journal = None;
            one.last_permit = permit;
            one.failure = reason.filter(|reason| *reason == "MOVE_FAILED").map(str::to_owned);
        }
        let failure = reason.map(|reason| wire::Failure {
            reason: reason.to_owned(),
            what: "as the seed says".to_owned(),
            advice: String::new(),
        });
        self.agent(node, Input::MoveEnded { permit, failure, pause: 1_000 });
        self.report(node);
    }

    pub(crate) fn ready(&mut self, node: usize, instance: u64, result: Result<(), String>) {
        if self.nodes[node].instance == instance && self.nodes[node].is_up() {
            self.agent(node, Input::Ready(result));
            self.report(node);
        }
    }

    pub(crate) fn finalized(&mut self, node: usize, instance: u64) {
        if self.nodes[node].instance != instance || !self.nodes[node].is_up() {
            return;
        }
        checks::finalizes(self, node);
        self.nodes[node].back = None;
        self.agent(node, Input::Finalized(Ok(())));
        self.report(node);
    }
}
