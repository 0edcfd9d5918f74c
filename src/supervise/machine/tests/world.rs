//! Programs that come, wait for the state, and go; in a wild order or a calm one.

use std::collections::{BTreeMap, VecDeque};

use fastrand::Rng;

use super::*;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Anything may crash, hang or complain at any time; the supervisor, too.
    Wild,
    /// Programs do what they are told, but for a new release that crashes in some worlds.
    Calm,
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what has been told and done: any of it comes in any order")]
struct Program {
    launch: Launch,
    prepared: bool,
    ready: bool,
    /// Told to hand over, and where to.
    handing: Option<Move>,
    killed: bool,
    leaving: bool,
}

/// A state, and the programs of two releases: 1 runs version 1, 2 runs both.
pub(super) struct World {
    pub(super) machine: Machine,
    random: Rng,
    now: Time,
    state: Version,
    owner: Option<Id>,
    alive: BTreeMap<Id, Program>,
    /// Whether release 2 crashes at its new version even in calm times.
    broken: bool,
    seed: u64,
    story: VecDeque<String>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let machine = Machine::begin(record(Stage::Run), None, limits(), seed, Time::ZERO);
        let broken = random.bool();
        let (alive, owner, story) = Default::default();
        let state = Version::new(1, 0, 0);
        let mut world = Self { machine, random, now: Time::ZERO, state, owner, alive, broken, seed, story };
        world.tell(Event::Tick);
        world
    }

    pub(super) fn steps(&mut self) -> u32 {
        self.random.u32(0..60)
    }

    pub(super) fn version(&self) -> &Version {
        &self.state
    }

    pub(super) fn story(&self) -> String {
        self.story.iter().cloned().collect::<Vec<_>>().join("\n")
    }

    /// Until nothing happens any more.
    pub(super) fn calm(&mut self) {
        for _ in 0..2000 {
            if self.machine.is_stopped() {
                return;
            }
            if !self.step(Way::Calm) {
                match self.machine.deadline() {
                    Some(deadline) => {
                        self.now = self.now.max(deadline);
                        self.tell(Event::Tick);
                    }
                    None => return,
                }
            }
        }
        // A release that is broken, and known to be good from when it was not, is started for ever.
        let at = self.machine.at().clone();
        assert!(self.broken && at == run(2, 2), "seed {}: it does not come to rest\n{}", self.seed, self.story());
        self.broken = false;
        self.calm();
    }

    /// One thing happens, if there is one.
    pub(super) fn step(&mut self, way: Way) -> bool {
        let wild = way == Way::Wild;
        if wild && self.random.u32(0..8) == 0 {
            self.now += SECOND / 10 * self.random.u32(0..200);
            self.tell(Event::Tick);
            return true;
        }
        if wild && self.random.u32(0..6) == 0 {
            let at = self.machine.at().clone();
            let moving = if at == run(1, 1) { upgrade() } else { rollback() };
            self.tell(Event::Move(moving));
            return true;
        }
        if wild && self.random.u32(0..20) == 0 {
            self.tell(Event::Abort);
            return true;
        }
        if wild && self.random.u32(0..20) == 0 {
            self.supervisor_killed();
            return true;
        }
        let ids: Vec<Id> = self.alive.keys().copied().collect();
        let start = self.random.usize(0..ids.len().max(1));
        // Wild worlds try one, calm ones each in turn.
        let tries = if wild { 1 } else { ids.len() };
        ids.iter().cycle().skip(start).take(tries.min(ids.len())).any(|id| self.act(*id, way))
    }

    fn act(&mut self, id: Id, way: Way) -> bool {
        let program = self.alive[&id].clone();
        if program.killed {
            return self.exit(id, Exit::Signal(9));
        }
        if program.leaving {
            return self.exit(id, Exit::Code(0));
        }
        if way == Way::Wild && self.random.u32(0..6) == 0 {
            let code = *self.random.choice(&[1, 75, 78, 0]).unwrap();
            // Those that have moved nothing say that they cannot, or that they failed.
            let exit = if program.ready { Exit::Signal(11) } else { Exit::Code(if code == 0 { 1 } else { code }) };
            let exit = if matches!(program.launch.told, Told::Back(_)) { Exit::Code(1) } else { exit };
            return self.exit(id, exit);
        }
        if way == Way::Wild && program.ready && self.random.u32(0..6) == 0 {
            let within = SECOND * self.random.u32(1..30);
            self.tell(Event::Alive(id, within));
            return true;
        }
        if !program.prepared {
            self.alive.get_mut(&id).unwrap().prepared = true;
            self.tell(Event::Prepared(id));
            return true;
        }
        if self.owner.is_none() && !program.ready {
            self.owner = Some(id);
        }
        if self.owner != Some(id) {
            return false;
        }
        if let Some(moving) = program.handing {
            if way == Way::Wild && self.random.u32(0..4) == 0 {
                self.alive.get_mut(&id).unwrap().handing = None;
                self.tell(Event::Stays(id));
                return true;
            }
            if moving.back {
                self.state = moving.to.version;
            }
            self.owner = None;
            self.alive.get_mut(&id).unwrap().leaving = true;
            self.tell(Event::HandedOver(id));
            return true;
        }
        if program.ready { self.broken && way == Way::Calm && self.fails(id) } else { self.take(id, &program) }
    }

    /// What a program does once it has the state.
    fn take(&mut self, id: Id, program: &Program) -> bool {
        match &program.launch.told {
            Told::Back(version) => {
                self.state = version.clone();
                self.exit(id, Exit::Code(0))
            }
            Told::Run(version) if self.state > *version => self.exit(id, Exit::Code(78)),
            Told::Run(version) => {
                self.state = version.clone();
                self.alive.get_mut(&id).unwrap().ready = true;
                self.tell(Event::Ready(id, version.clone()));
                true
            }
        }
    }

    /// A program of the broken release crashes once it serves.
    fn fails(&mut self, id: Id) -> bool {
        let launch = &self.alive[&id].launch;
        launch.told == Told::Run(Version::new(2, 0, 0)) && self.exit(id, Exit::Signal(11))
    }

    fn exit(&mut self, id: Id, exit: Exit) -> bool {
        self.alive.remove(&id);
        self.owner = self.owner.filter(|owner| *owner != id);
        self.tell(Event::Exited(id, exit));
        true
    }

    /// Another supervisor goes on: it keeps what serves, and what does not is gone when it begins.
    fn supervisor_killed(&mut self) {
        let record = self.machine.record();
        let fits =
            |program: &Program| program.ready && !program.killed && program.launch == Doing::Run.launch(&record.at);
        let serving = self.owner.filter(|id| self.alive.get(id).is_some_and(fits));
        self.alive.retain(|id, _| Some(*id) == serving);
        self.owner = serving;
        self.story.push_back(format!("killed at {record:?}, {serving:?} serves"));
        self.machine = Machine::begin(record, serving, limits(), self.seed, self.now);
        // Numbers are never used again.
        self.machine.next = self.machine.next.max(1000 * (1 + self.machine.next / 1000));
        self.tell(Event::Tick);
    }

    fn tell(&mut self, event: Event) {
        self.story.push_back(format!("{:?} {event:?}", self.now));
        let actions = self.machine.on(event, self.now);
        for action in actions {
            self.story.push_back(format!("    {action:?}"));
            match action {
                Action::Start(id, launch) => self.start(id, launch),
                Action::HandOver(id, moving) => {
                    if let Some(program) = self.alive.get_mut(&id) {
                        program.handing = Some(moving);
                    }
                }
                Action::Terminate(id) | Action::Kill(id) => {
                    if let Some(program) = self.alive.get_mut(&id) {
                        program.killed = true;
                    }
                }
                Action::Tell(_) => {}
            }
        }
    }

    fn start(&mut self, id: Id, launch: Launch) {
        let others: Vec<(&Id, &Program)> = self.alive.iter().filter(|(_, program)| !program.leaving).collect();
        let beside = matches!(self.machine.record().stage, Stage::Beside(_));
        let serves = |program: &Program| program.ready && !program.killed;
        assert!(
            others.is_empty() || (beside && others.len() == 1 && serves(others[0].1)),
            "seed {}: {launch:?} is started beside {others:?}\n{}",
            self.seed,
            self.story()
        );
        let program = Program { launch, prepared: false, ready: false, handing: None, killed: false, leaving: false };
        assert!(self.alive.insert(id, program).is_none(), "{id} is used again");
    }
}
