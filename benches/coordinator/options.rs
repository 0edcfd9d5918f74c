//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

pub(crate) const HELP: &str = "\
Measures what a coordinator of a large fleet takes.

    cargo bench --bench coordinator -- [OPTIONS]

    --part NAME      Only decision, core or fleet; given again, another one [default: all]
    --nodes N        Nodes that a decision is about [default: 100000]
    --rounds N       Measurements of each candidate [default: 15]
    --fleet N        Nodes of the part fleet, each with a connection [default: 10000]
    --every MS       How often each of them reports, in milliseconds [default: 5000]
    --window SECONDS How long it is looked what they cost [default: 40]
    --at-once N      How many of them go at once in the rolling upgrade [default: 100]
    --json PATH      Where the rows go as JSON [default: target/bench/coordinator.json]
    --quick          A smoke run of some seconds: three rounds over 1000 nodes, and a fleet of 40
    --help           Print this";

pub(crate) struct Options {
    parts: Vec<String>,
    pub(crate) nodes: usize,
    pub(crate) rounds: usize,
    pub(crate) fleet: usize,
    pub(crate) report_every: Duration,
    pub(crate) window: Duration,
    pub(crate) at_once: usize,
    pub(crate) json: PathBuf,
    /// Of which coordinator this process is to be the nodes.
    pub(crate) world: Option<String>,
}

pub(crate) const PARTS: [&str; 3] = ["decision", "core", "fleet"];

impl Options {
    /// Nothing where help is asked for.
    pub(crate) fn from_args(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        // Cargo runs a benchmark in the folder of its package.
        let mut options = Self {
            parts: Vec::new(),
            nodes: 100_000,
            rounds: 15,
            fleet: 10_000,
            report_every: Duration::from_secs(5),
            window: Duration::from_secs(40),
            at_once: 100,
            json: PathBuf::from("target/bench/coordinator.json"),
            world: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                // What cargo itself adds.
                "--bench" => {}
                "--part" => options.parts.push(one_of(&PARTS, value()?)?),
                "--nodes" => options.nodes = count(&value()?)?,
                "--rounds" => options.rounds = count(&value()?)?,
                "--fleet" => options.fleet = count(&value()?)?,
                "--every" => options.report_every = Duration::from_millis(count(&value()?)? as u64),
                "--window" => options.window = Duration::from_secs(count(&value()?)? as u64),
                "--at-once" => options.at_once = count(&value()?)?,
                "--json" => options.json = value()?.into(),
                "--quick" => {
                    (options.nodes, options.rounds) = (1000, 3);
                    (options.fleet, options.at_once) = (40, 10);
                    (options.report_every, options.window) = (Duration::from_millis(500), Duration::from_secs(2));
                }
                // What this program calls itself with.
                "--world" => options.world = Some(value()?),
                other => return Err(format!("unknown option {other}; see --help")),
            }
        }
        Ok(Some(options))
    }

    /// Whether a part is to be measured.
    pub(crate) fn measures(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|asked| asked == part)
    }
}

fn one_of(known: &[&str], text: String) -> Result<String, String> {
    if known.contains(&&*text) { Ok(text) } else { Err(format!("{text} is none of {}", known.join(", "))) }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("not a number above 0: {text}"))
}
