//! A core on a bench: its writes are kept at once, and what it says can be looked at.

use std::collections::BTreeMap;

use bytes::Bytes;
use straddle::Protocol;
use straddle::bundle::Bundle;
use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::{UpgradeState, Way, from_agent, to_agent};
use straddle::coordinator::core::{
    Answer, Ask, Core, Denied, Input, Now, Output, Publication, Request, Session, Settings, Which,
};
use straddle::coordinator::database::Write;

pub(crate) const SECOND: u64 = 1_000_000;

pub(crate) struct Bench {
    pub(crate) core: Core,
    settings: Settings,
    pub(crate) now: Now,
    pub(crate) bundles: Vec<Bundle>,
    entries: BTreeMap<Bytes, Bytes>,
    pub(crate) written: usize,
    /// All that was ever put.
    pub(crate) wrote: BTreeMap<Bytes, Bytes>,
    said: BTreeMap<u64, Vec<to_agent::Message>>,
    pub(crate) ended: BTreeMap<u64, &'static str>,
    answer: Option<Result<Answer, Denied>>,
    pub(crate) events: Vec<wire::Event>,
}

/// Versions of the shop: 2.0.0 gains Audit, 3.0.0 loses Legacy. `more` is a field of 2.0.0's item.
pub(crate) fn protocol(more: &str) -> Protocol {
    let proto = |methods: &[&str], more: &str| {
        let methods: Vec<String> = methods.iter().map(|name| format!("  rpc {name}(Item) returns (Item);\n")).collect();
        let methods = methods.concat();
        format!(
            "syntax = \"proto3\";\npackage shop.v1;\nservice Shop {{\n{methods}}}\nmessage Item {{\n  string name = 1;\n  {more}\n}}\n"
        )
    };
    let (one, two) = (proto(&["Get", "Legacy"], ""), proto(&["Get", "Legacy", "Audit"], more));
    let (three, four) = (proto(&["Get", "Audit"], more), proto(&["Get"], more));
    let files = [
        ("protocol.toml", "name = \"shop\"\n"),
        ("1.0.0/shop.proto", &one),
        ("2.0.0/shop.proto", &two),
        ("3.0.0/shop.proto", &three),
        ("4.0.0/shop.proto", &four),
        ("2.0.0/step.toml", "from = \"1.0.0\"\n"),
        ("3.0.0/step.toml", "from = \"2.0.0\"\n"),
        ("4.0.0/step.toml", "from = \"3.0.0\"\n"),
    ];
    Protocol::load(super::folder::folder(&files).path()).expect("a protocol")
}

pub(crate) fn four() -> Protocol {
    protocol("")
}

/// A node that serves, with nothing under way.
pub(crate) fn report(version: &str) -> wire::Report {
    wire::Report { version: version.to_owned(), serving: true, phase: 1, ..wire::Report::default() }
}

/// A node of the shop that can run its first three versions.
pub(crate) fn hello(node: &str, admission: u64, report: wire::Report) -> wire::Hello {
    let runs: Vec<String> = ["1.0.0", "2.0.0", "3.0.0"].map(str::to_owned).to_vec();
    let knows = runs.iter().map(|version| wire::KnownVersion { version: version.clone(), ..Default::default() });
    wire::Hello {
        node: node.to_owned(),
        protocol: "shop".to_owned(),
        knows: knows.collect(),
        runs: runs.clone(),
        ways: vec![Way::Soft.into()],
        admission,
        report: Some(report),
        ..wire::Hello::default()
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let protocol = protocol("");
        let versions = protocol.versions();
        let step = |at: usize| Bundle::of_step(&protocol, versions[at].version(), versions[at + 1].version());
        let bundles = (0..3).map(|at| step(at).expect("a step")).collect();
        let now = Now::new(10 * SECOND, 1_800_000_000 * SECOND);
        let core = Core::load([], now, settings.clone()).expect("nothing is there");
        let (entries, said, ended) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self {
            core,
            settings,
            now,
            bundles,
            entries,
            wrote: BTreeMap::new(),
            written: 0,
            said,
            ended,
            answer: None,
            events: Vec::new(),
        }
    }

    fn input(&mut self, input: Input) {
        self.core.handle(input, self.now);
        self.settle();
    }

    /// Keeps what is written, and hears what is said, until nothing is due.
    fn settle(&mut self) {
        for _ in 0..100 {
            self.core.tick(self.now);
            let effects = self.core.take();
            self.written += effects.writes.len();
            for write in effects.writes {
                match write {
                    Write::Put { key, value, .. } => {
                        self.wrote.insert(key.clone(), value.clone());
                        self.entries.insert(key, value);
                    }
                    Write::Delete(key) => {
                        self.entries.remove(&key);
                    }
                }
            }
            for output in effects.outputs {
                match output {
                    Output::Tell(Session(session), said) => {
                        self.said.entry(session).or_default().extend(said.message);
                    }
                    Output::End(Session(session), reason, _) => drop(self.ended.insert(session, reason.name())),
                    Output::Answer(_, answer) => self.answer = Some(answer),
                    Output::Event(event) => self.events.push(event),
                    Output::Changed(_) => {}
                }
            }
            if self.core.next_tick(self.now) > 0 {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// The bytes of the largest value that is kept.
    pub(crate) fn largest(&self) -> usize {
        self.entries.values().map(Bytes::len).max().unwrap_or_default()
    }

    pub(crate) fn pass(&mut self, time: u64) {
        self.set(Now::new(self.now.monotonic + time, self.now.wall + time));
    }

    pub(crate) fn set(&mut self, now: Now) {
        self.now = now;
        self.settle();
    }

    /// Another coordinator goes on from what is kept.
    pub(crate) fn restart(&mut self) {
        let entries = self.entries.clone();
        self.core = Core::load(entries, self.now, self.settings.clone()).expect("it is whole");
        self.said.clear();
    }

    pub(crate) fn ask(&mut self, ask: Ask) -> Result<Answer, Denied> {
        self.input(Input::Asked(Request(1), "ada".to_owned(), Box::new(ask)));
        self.answer.take().expect("an answer")
    }

    pub(crate) fn publish(&mut self, step: usize) {
        let known = self.core.protocol("shop");
        let publication = Publication::new(self.bundles[step].clone(), known).expect("it adjoins");
        self.ask(Ask::Publish(publication)).expect("it is published");
    }

    pub(crate) fn start(&mut self, request: wire::StartUpgradeRequest) -> Result<u64, Denied> {
        match self.ask(Ask::Start(request))? {
            Answer::Upgrade(status) => Ok(status.upgrade.expect("an upgrade").number),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn say(&mut self, session: u64, message: from_agent::Message) {
        self.input(Input::Said(Session(session), wire::FromAgent { message: Some(message) }));
    }

    pub(crate) fn hello(&mut self, session: u64, node: &str, version: &str) {
        let admission = 0;
        self.hello_with(session, node, version, admission);
    }

    pub(crate) fn hello_with(&mut self, session: u64, node: &str, version: &str, admission: u64) {
        self.greet(session, node, admission, "", report(version));
    }

    pub(crate) fn hello_in(&mut self, session: u64, node: &str, version: &str, zone: &str) {
        self.greet(session, node, 0, zone, report(version));
    }

    /// A node that was there before, and has forgotten its admission.
    pub(crate) fn hello_again(&mut self, session: u64, node: &str, zone: &str, report: wire::Report) {
        self.greet(session, node, 0, zone, report);
    }

    /// A node that answers nobody yet.
    pub(crate) fn hello_idle(&mut self, session: u64, node: &str, version: &str) {
        self.greet(session, node, 0, "", wire::Report { serving: false, ..report(version) });
    }

    fn greet(&mut self, session: u64, node: &str, admission: u64, zone: &str, report: wire::Report) {
        let labels = [("zone".to_owned(), zone.to_owned())].into();
        self.say_hello(session, wire::Hello { labels, ..hello(node, admission, report) });
    }

    pub(crate) fn say_hello(&mut self, session: u64, hello: wire::Hello) {
        self.say(session, from_agent::Message::Hello(hello));
    }

    pub(crate) fn report(&mut self, session: u64, report: wire::Report) {
        self.say(session, from_agent::Message::Report(report));
    }

    pub(crate) fn calls(&mut self, session: u64, version: &str, method: &str) {
        let calls = wire::Calls {
            version: version.to_owned(),
            method: method.to_owned(),
            node_version: version.to_owned(),
            answered: 5,
            ..wire::Calls::default()
        };
        self.report(session, wire::Report { calls: vec![calls], ..report(version) });
    }

    pub(crate) fn request(&mut self, session: u64, number: u64, upgrade: u64, from: &str, to: &str) {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.say(session, from_agent::Message::PermitRequest(wire::PermitRequest { number, upgrade, from, to }));
    }

    pub(crate) fn ended(&mut self, session: u64, permit: u64, version: &str, failure: Option<wire::Failure>) {
        let version = version.to_owned();
        let ended = wire::Ended { permit, failure, pause_microseconds: 1000, version };
        self.say(session, from_agent::Message::Ended(ended));
    }

    pub(crate) fn close(&mut self, session: u64) {
        self.input(Input::Closed(Session(session)));
    }

    pub(crate) fn told(&self, session: u64) -> &[to_agent::Message] {
        self.said.get(&session).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn permit(&self, session: u64) -> Option<wire::Permit> {
        self.told(session).iter().rev().find_map(|said| match said {
            to_agent::Message::Permit(permit) => Some(permit.clone()),
            _ => None,
        })
    }

    pub(crate) fn goal(&self, session: u64) -> wire::Goal {
        let goals = self.told(session).iter().rev().find_map(|said| match said {
            to_agent::Message::Goal(goal) => Some(goal.clone()),
            _ => None,
        });
        goals.expect("a goal")
    }

    pub(crate) fn admission(&self, session: u64) -> u64 {
        let welcome = self.told(session).iter().find_map(|said| match said {
            to_agent::Message::Welcome(welcome) => Some(welcome.admission),
            _ => None,
        });
        welcome.expect("a welcome")
    }

    pub(crate) fn status(&self, number: u64) -> wire::UpgradeStatus {
        self.core.upgrades(Which::Number(number), self.now).pop().expect("an upgrade")
    }

    pub(crate) fn state(&self, number: u64) -> UpgradeState {
        self.status(number).upgrade.expect("an upgrade").state()
    }
}
