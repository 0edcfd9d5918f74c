//! The world: time, the network, processes that crash, and all that happens in it, one thing after the other.

use std::collections::BTreeMap;

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::from_agent;
use straddle::coordinator::core::{Core, Invariants};
use straddle::coordinator::database;

use super::census::Census;
use super::checks::Checks;
use super::clock::{Clock, SECOND};
use super::database::Store;
use super::node::Node;
use super::operator::Operator;
use super::protocol::{Fleet, NAME};
use super::retirement::Retirement;

/// What happens at some time.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are few at a time")]
pub(crate) enum Event {
    ToCoordinator(u64, wire::FromAgent),
    ToAgent(u64, wire::ToAgent),
    /// The coordinator notices that a stream is gone.
    Closed(u64),
    /// The agent notices it.
    Lost(u64, Option<String>),
    Connect {
        node: usize,
        instance: u64,
    },
    AgentTick {
        node: usize,
        instance: u64,
        tick: u64,
    },
    /// The next thing in a node's move.
    Step {
        node: usize,
        permit: u64,
        phase: i32,
        instance: u64,
    },
    Learned {
        node: usize,
        instance: u64,
        digest: String,
    },
    Finalized {
        node: usize,
        instance: u64,
    },
    /// A node has done what it can before it asks for a permit, or could not.
    Ready {
        node: usize,
        instance: u64,
        result: Result<(), String>,
    },
    /// A node asks what leads to a version that it does not know.
    Find {
        node: usize,
        instance: u64,
        version: String,
    },
    Found {
        node: usize,
        instance: u64,
        version: String,
        bundles: Vec<String>,
    },
    /// A node has written down what is retired.
    Retired {
        node: usize,
        instance: u64,
        retiring: wire::Retiring,
    },
    StartNode(usize),
    CoordinatorTick(u64),
    StartCoordinator,
    /// A coordinator that has lost the lead notices it, even if it has nothing to write.
    Deposed(u64),
    Operate,
    Calls,
    Fault(Fault),
    EndHold(usize),
    EndDrain(usize),
    MendDisk,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The coordinator crashes at its next commit.
    Crash(Crash),
    /// The database's disk fails so, after so many operations and for so long.
    Disk(database::Fault, u64, u64),
    /// Another coordinator takes the lead.
    LoseLead,
    /// A node and the coordinator do not hear each other for so long.
    Partition(usize, u64),
    /// Only the connection breaks; each side notices by itself.
    Drop(usize),
    /// A program ends, and is started again after so long.
    CrashNode(usize, u64),
    /// It is stopped, and tells the last that it knows.
    StopNode(usize, u64),
    /// A node is gone for good.
    Kill(usize),
    /// A node's next moves fail.
    Fail(usize, u32),
    Hold(usize, u64),
    /// The coordinator's wall clock jumps by so many seconds.
    Jump(i64),
    /// A node's does.
    JumpNode(usize, i64),
    /// A node comes that nobody has seen.
    Join,
}

/// Where in a commit the coordinator crashes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Crash {
    Before,
    /// Some of a large batch were written, in their order.
    Within,
    /// All was written, and nobody was told.
    After,
    /// After so many operations of the disk: amid a write, or when all was written.
    Amid(u64),
}

/// One coordinator.
pub(crate) struct Process {
    pub(crate) core: Core,
    pub(crate) clock: Clock,
    /// When it is ticked next; older ticks do not count.
    pub(crate) next_tick: Option<u64>,
}

pub(crate) struct Stream {
    pub(crate) node: usize,
    pub(crate) instance: u64,
    pub(crate) epoch: u64,
    /// Nothing passes any more.
    pub(crate) cut: bool,
    pub(crate) up: u64,
    pub(crate) down: u64,
    /// The agent knows that it is gone.
    pub(crate) lost: bool,
    /// What its Hello said, and what was reported on it last.
    pub(crate) hello_admission: u64,
    pub(crate) reported: Option<wire::Report>,
}

pub(crate) struct World {
    pub(crate) fleet: &'static Fleet,
    pub(crate) seed: u64,
    pub(crate) random: fastrand::Rng,
    /// Of what came later than the others: they have theirs.
    pub(crate) dice: fastrand::Rng,
    pub(crate) census: Census,
    pub(crate) retirement: Retirement,
    pub(crate) time: u64,
    queue: BTreeMap<(u64, u64), Event>,
    order: u64,
    pub(crate) store: Store,
    pub(crate) processes: BTreeMap<u64, Process>,
    pub(crate) crash: Option<Crash>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) streams: BTreeMap<u64, Stream>,
    next_stream: u64,
    pub(crate) partitioned: BTreeMap<usize, u64>,
    pub(crate) operator: Operator,
    pub(crate) checks: Checks,
    pub(crate) invariants: Invariants,
    pub(crate) trace: Vec<String>,
    pub(crate) begin_by: BTreeMap<(usize, u64), u64>,
    pub(crate) handled: u64,
    /// Permits that were said and whose nodes have not come back: when, and on which stream.
    pub(crate) out: BTreeMap<usize, (u64, u64, u64)>,
    /// When a node was heard by a coordinator.
    pub(crate) heard_at: BTreeMap<usize, u64>,
    /// When it was heard first.
    pub(crate) came_at: BTreeMap<usize, u64>,
    /// The first node that came to where an upgrade leads, and when.
    pub(crate) first_there: BTreeMap<u64, (usize, u64)>,
    /// Since when a node that hears the coordinator has been named a version that it does not know, and when last.
    pub(crate) unknown_since: BTreeMap<(usize, usize), (u64, u64)>,
    /// What keeps nodes from learning: when, and for how long at most.
    pub(crate) troubles: BTreeMap<usize, Vec<(u64, u64)>>,
    /// What nodes ask for versions is never answered.
    pub(crate) deaf: bool,
    /// Goals say that more is final than is.
    pub(crate) hasty: bool,
    /// When a node asked for versions, on its clock.
    pub(crate) questions: BTreeMap<usize, Vec<u64>>,
}

impl World {
    pub(crate) fn new(fleet: &'static Fleet, seed: u64, invariants: Invariants) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let operator = Operator::new(fleet, &mut random);
        let mut world = Self {
            fleet,
            seed,
            random,
            dice: fastrand::Rng::with_seed(!seed),
            census: Census::default(),
            retirement: Retirement::default(),
            time: 0,
            queue: BTreeMap::new(),
            order: 0,
            store: Store::new(),
            processes: BTreeMap::new(),
            crash: None,
            nodes: Vec::new(),
            streams: BTreeMap::new(),
            next_stream: 0,
            partitioned: BTreeMap::new(),
            operator,
            checks: Checks::default(),
            invariants,
            trace: Vec::new(),
            begin_by: BTreeMap::new(),
            handled: 0,
            out: BTreeMap::new(),
            heard_at: BTreeMap::new(),
            came_at: BTreeMap::new(),
            first_there: BTreeMap::new(),
            unknown_since: BTreeMap::new(),
            deaf: false,
            hasty: false,
            troubles: BTreeMap::new(),
            questions: BTreeMap::new(),
        };
        world.populate();
        world
    }

    pub(crate) fn note(&mut self, what: impl FnOnce() -> String) {
        let (seconds, thousandths) = (self.time / 1_000_000, self.time / 1_000 % 1_000);
        let what = format!("{seconds:>6}.{thousandths:03} {}", what());
        self.trace.push(what);
    }

    pub(crate) fn at(&mut self, time: u64, event: Event) {
        self.order += 1;
        self.queue.insert((time, self.order), event);
    }

    pub(crate) fn after(&mut self, time: u64, event: Event) {
        self.at(self.time + time, event);
    }

    /// Runs until the operator has done all, a check fails, or time is over.
    pub(crate) fn run(&mut self, until: u64) -> Result<(), String> {
        while let Some(((time, _), event)) = self.queue.pop_first() {
            self.time = time;
            self.handled += 1;
            self.happen(event);
            if let Some(violation) = self.checks.violation.take() {
                return Err(violation);
            }
            if self.operator.done {
                return Ok(());
            }
            if time > until {
                return Err(format!("liveness: {}", self.operator.stuck(self)));
            }
        }
        Err("nothing happens any more".to_owned())
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::ToCoordinator(stream, said) => self.heard(stream, said),
            Event::ToAgent(stream, said) => self.told(stream, said),
            Event::Closed(stream) => self.closed(stream),
            Event::Lost(stream, reason) => self.lost(stream, reason),
            Event::Connect { node, instance } => self.connect(node, instance),
            Event::AgentTick { node, instance, tick } => self.agent_tick(node, instance, tick),
            Event::Step { node, permit, phase, instance } => self.step(node, permit, phase, instance),
            Event::Learned { node, instance, digest } => self.learned(node, instance, &digest),
            Event::Finalized { node, instance } => self.finalized(node, instance),
            Event::Ready { node, instance, result } => self.ready(node, instance, result),
            Event::Find { node, instance, version } => self.find(node, instance, &version),
            Event::Found { node, instance, version, bundles } => self.found(node, instance, version, bundles),
            Event::Retired { node, instance, retiring } => self.retired(node, instance, retiring),
            Event::StartNode(node) => self.start_node(node),
            Event::CoordinatorTick(epoch) => self.tick(epoch),
            Event::StartCoordinator => self.start_coordinator(),
            Event::Deposed(epoch) => self.end_coordinator(epoch),
            Event::Operate => {
                super::operator::look(self);
                super::retirement::look(self);
                let wait = self.random.u64(2 * SECOND..6 * SECOND);
                self.after(wait, Event::Operate);
            }
            Event::Calls => {
                self.call();
                self.after(3 * SECOND, Event::Calls);
            }
            Event::Fault(fault) => self.fault(fault),
            Event::MendDisk => self.store.mend(),
            Event::EndDrain(node) => {
                self.nodes[node].drained = false;
                self.report(node);
            }
            Event::EndHold(node) => {
                self.nodes[node].held = false;
                self.report(node);
            }
        }
    }

    // --- the network --------------------------------------------------------------------------------------------------

    pub(crate) fn open(&mut self, node: usize, instance: u64, epoch: u64) -> u64 {
        self.next_stream += 1;
        let stream = Stream {
            node,
            instance,
            epoch,
            cut: false,
            up: 0,
            down: 0,
            lost: false,
            hello_admission: 0,
            reported: None,
        };
        self.streams.insert(self.next_stream, stream);
        self.next_stream
    }

    /// Mostly fast, sometimes very slow.
    pub(crate) fn delay(&mut self) -> u64 {
        match self.random.u8(0..100) {
            0..90 => self.random.u64(100..5_000),
            90..98 => self.random.u64(5_000..500_000),
            _ => self.random.u64(500_000..8_000_000),
        }
    }

    /// In the order of its stream, and perhaps twice.
    pub(crate) fn up(&mut self, number: u64, said: wire::FromAgent) {
        let delay = self.delay();
        let twice = !matches!(said.message, Some(from_agent::Message::Hello(_))) && self.random.u8(..) < 5;
        let Some(stream) = self.streams.get_mut(&number).filter(|stream| !stream.cut) else { return };
        let time = (self.time + delay).max(stream.up + 1);
        stream.up = time + u64::from(twice);
        if twice {
            self.at(time, Event::ToCoordinator(number, said.clone()));
        }
        self.at(time + u64::from(twice), Event::ToCoordinator(number, said));
    }

    pub(crate) fn down(&mut self, number: u64, said: wire::ToAgent) {
        let delay = self.delay();
        let twice = self.random.u8(..) < 5;
        let Some(stream) = self.streams.get_mut(&number).filter(|stream| !stream.cut) else { return };
        let time = (self.time + delay).max(stream.down + 1);
        stream.down = time + u64::from(twice);
        if twice {
            self.at(time, Event::ToAgent(number, said.clone()));
        }
        self.at(time + u64::from(twice), Event::ToAgent(number, said));
    }

    /// A connection breaks: what is underway may still arrive, and each side notices by itself, the coordinator perhaps late.
    pub(crate) fn cut(&mut self, number: u64, agent_notices: u64, coordinator_notices: u64) {
        let Some(stream) = self.streams.get_mut(&number).filter(|stream| !stream.cut) else { return };
        stream.cut = true;
        let up = stream.up;
        self.after(agent_notices, Event::Lost(number, None));
        self.at((self.time + coordinator_notices).max(up + 1), Event::Closed(number));
    }

    pub(crate) fn is_partitioned(&self, node: usize) -> bool {
        self.partitioned.get(&node).is_some_and(|until| *until > self.time)
    }

    // --- faults -------------------------------------------------------------------------------------------------------

    fn fault(&mut self, fault: Fault) {
        self.note(|| format!("fault: {fault:?}"));
        match fault {
            Fault::Crash(crash) => self.crash = Some(crash),
            Fault::Disk(fault, operations, time) => {
                self.store.fail_after(operations, fault);
                self.after(time, Event::MendDisk);
            }
            Fault::LoseLead => {
                if self.leader().is_some() {
                    self.start_coordinator();
                }
            }
            Fault::Partition(node, time) => {
                self.partitioned.insert(node, self.time + time);
                self.drop_stream(node, 20 * SECOND, 60 * SECOND);
            }
            Fault::Drop(node) => self.drop_stream(node, 2 * SECOND, 40 * SECOND),
            Fault::CrashNode(node, time) => {
                if self.nodes[node].is_up() {
                    self.crash_node(node);
                    self.after(time, Event::StartNode(node));
                }
            }
            Fault::StopNode(node, time) => self.stop_node(node, time),
            Fault::Kill(node) => {
                self.nodes[node].dead = true;
                self.crash_node(node);
            }
            Fault::Fail(node, times) => self.nodes[node].fails = times,
            Fault::Hold(node, time) => {
                self.nodes[node].held = true;
                self.report(node);
                self.after(time, Event::EndHold(node));
            }
            Fault::Jump(seconds) => {
                for process in self.processes.values_mut() {
                    process.clock.wall_off += seconds * 1_000_000;
                }
            }
            Fault::JumpNode(node, seconds) => self.nodes[node].clock.wall_off += seconds * 1_000_000,
            Fault::Join => self.join(),
        }
    }

    pub(crate) fn drop_stream(&mut self, node: usize, agent: u64, coordinator: u64) {
        let (agent, coordinator) = (self.random.u64(1_000..agent), self.random.u64(1_000..coordinator));
        if let Some(stream) = self.nodes[node].stream {
            self.cut(stream, agent, coordinator);
        }
    }

    pub(crate) fn upgrade(&self) -> Option<wire::StoredUpgrade> {
        self.store.upgrade().filter(|upgrade| upgrade.protocol == NAME)
    }
}
