//! All that the coordinator decides, for a large fleet, without connections and database: what a report costs, and a round over all
//! nodes, with the view brought up to date, gates, schedule, invariants, and what is told of those that wait.

use std::time::Duration;

use straddle::bundle::Bundle;
use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::from_agent::Message;
use straddle::coordinator::core::{Answer, Ask, Core, Input, Now, Output, Publication, Request, Session, Settings};
use straddle::inventory::generated::protocol;

use crate::fleet::script;
use crate::options::Options;
use crate::stopwatch::Stopwatch;

const SECOND: u64 = 1_000_000;

/// Schedules by name.
const SCHEDULES: [(&str, &str); 2] = [
    ("rolling", "[rolling]\nat_once = '1%'"),
    (
        "roles, zones, canary",
        "[roles]\norder = ['storage', 'gateway']\n[domains]\nbake = '5m'\n[canary]\nstages = [1, '10%', '50%']\n\
         in_each_domain = true\n[rolling]\nat_once = '5%'",
    ),
];

pub(crate) struct Row {
    pub(crate) schedule: &'static str,
    pub(crate) nodes: usize,
    /// How many reports came before each round, and how long each of them took.
    pub(crate) reports: usize,
    pub(crate) report: Vec<Duration>,
    pub(crate) round: Vec<Duration>,
    pub(crate) status: Vec<Duration>,
    pub(crate) permits: usize,
}

pub(crate) fn rows(options: &Options) -> Result<Vec<Row>, String> {
    let row = |(name, toml)| {
        eprintln!("core: {name}, {} nodes", options.nodes);
        Fleet::come(options.nodes)?.row(name, toml, options.rounds)
    };
    SCHEDULES.into_iter().map(row).collect()
}

struct Fleet {
    core: Core,
    now: Now,
    nodes: usize,
    /// The node that reports next.
    next: usize,
    permits: usize,
    answer: Option<Answer>,
}

impl Fleet {
    fn come(nodes: usize) -> Result<Self, String> {
        let now = Now::new(10 * SECOND, 1_800_000_000 * SECOND);
        let core = Core::load([], now, Settings::default()).map_err(|error| error.to_string())?;
        let mut fleet = Self { core, now, nodes, next: 0, permits: 0, answer: None };
        let bundle = Bundle::of_protocol(&protocol()).map_err(|error| error.to_string())?;
        let publication = Publication::new(bundle, None).map_err(|denied| denied.what)?;
        fleet.ask(Ask::Publish(publication));
        for node in 0..nodes {
            let report = Some(script::report(false, 0));
            fleet.say(node, Message::Hello(wire::Hello { report, ..script::hello(node) }));
        }
        Ok(fleet)
    }

    fn row(mut self, schedule: &'static str, toml: &str, rounds: usize) -> Result<Row, String> {
        // All have been heard since they may serve.
        self.reports(self.nodes);
        let to = wire::StartUpgradeRequest {
            protocol: protocol().name().to_owned(),
            to: "2.0.0".to_owned(),
            schedule: toml.to_owned(),
            seed: 7,
            ..wire::StartUpgradeRequest::default()
        };
        let Some(Answer::Upgrade(status)) = self.ask(Ask::Start(to)) else { return Err("no upgrade".to_owned()) };
        let upgrade = status.upgrade.map_or(0, |upgrade| upgrade.number);
        for node in 0..self.nodes {
            let (from, to) = ("1.1.0".to_owned(), "2.0.0".to_owned());
            self.say(node, Message::PermitRequest(wire::PermitRequest { number: 1, upgrade, from, to }));
        }
        let reports = self.nodes * 2 / 5;
        let (report, round, status) = (Vec::new(), Vec::new(), Vec::new());
        let mut row = Row { schedule, nodes: self.nodes, reports, report, round, status, permits: 0 };
        for _ in 0..rounds {
            // In two seconds, which is how often rounds over so many nodes are made.
            self.pass(2 * SECOND);
            let begun = Stopwatch::start();
            self.reports(reports);
            row.report.push(begun.elapsed() / u32::try_from(reports).map_err(|error| error.to_string())?);
            let begun = Stopwatch::start();
            self.core.tick(self.now);
            row.round.push(begun.elapsed());
            self.settle();
            let begun = Stopwatch::start();
            let which = straddle::coordinator::core::Which::Number(upgrade);
            drop(std::hint::black_box(self.core.upgrades(which, self.now)));
            row.status.push(begun.elapsed());
        }
        row.permits = self.permits;
        Ok(row)
    }

    fn pass(&mut self, time: u64) {
        self.now = Now::new(self.now.monotonic + time, self.now.wall + time);
    }

    /// So many nodes report, in turns.
    fn reports(&mut self, count: usize) {
        for _ in 0..count {
            let node = self.next;
            self.next = (node + 1) % self.nodes;
            self.say(node, Message::Report(script::report(true, 0)));
        }
    }

    fn say(&mut self, node: usize, message: Message) {
        let said = wire::FromAgent { message: Some(message) };
        self.core.handle(Input::Said(Session(node as u64), said), self.now);
        self.settle();
    }

    fn ask(&mut self, ask: Ask) -> Option<Answer> {
        self.core.handle(Input::Asked(Request(1), "ada".to_owned(), Box::new(ask)), self.now);
        self.settle();
        self.answer.take()
    }

    /// Drops what would be written and said, as quickly as may be.
    fn settle(&mut self) {
        for output in self.core.take().outputs {
            match output {
                Output::Answer(_, answer) => self.answer = answer.ok(),
                Output::Tell(_, wire::ToAgent { message: Some(wire::to_agent::Message::Permit(_)) }) => {
                    self.permits += 1;
                }
                _ => {}
            }
        }
    }
}
