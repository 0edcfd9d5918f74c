//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

use straddle::state::Mode;

use crate::records::memory::WAYS;

pub(crate) const HELP: &str = "\
Measures what it costs to take a state from one version to the next.

    cargo bench --bench upgrade -- [OPTIONS]

    --records N      Records in a state; given again, another size [default: 1000, 100000, 1000000]
    --part NAME      Only records, memory, pause, gap or barrier; given again, another one [default: all]
    --mode NAME      Only eager, online or lazy moves; given again, another one [default: all]
    --rounds N       Measurements of each candidate [default: 5]
    --rate N         Calls a second while a node is upgraded [default: 500]
    --before SECONDS How long a node is called before it is upgraded [default: 5]
    --nodes N        Nodes that switch at one word [default: 50]
    --folder PATH    Where states are made, in a folder that goes away again [default: target/bench]
    --json PATH      Where the rows go as JSON [default: target/bench/upgrade.json]
    --quick          A smoke run of some seconds: one round with 1000 records, and 5 nodes
    --help           Print this";

pub(crate) struct Options {
    pub(crate) records: Vec<usize>,
    parts: Vec<String>,
    modes: Vec<String>,
    pub(crate) rounds: usize,
    pub(crate) rate: u32,
    pub(crate) before: Duration,
    pub(crate) nodes: usize,
    pub(crate) folder: PathBuf,
    pub(crate) json: PathBuf,
    /// What this process is to measure of itself: the way, and the folder.
    pub(crate) child: Option<(String, PathBuf)>,
    /// What this process is to serve: the mode, and the state.
    pub(crate) node: Option<(String, PathBuf)>,
    /// Where this process is to serve as a plain server does.
    pub(crate) plain: Option<String>,
    /// How many nodes this process is to serve, and where their states are.
    pub(crate) cluster: Option<(usize, PathBuf)>,
}

pub(crate) const PARTS: [&str; 5] = ["records", "memory", "pause", "gap", "barrier"];

impl Options {
    /// Nothing where help is asked for.
    pub(crate) fn from_args(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            records: Vec::new(),
            parts: Vec::new(),
            modes: Vec::new(),
            rounds: 5,
            rate: 500,
            before: Duration::from_secs(5),
            nodes: 50,
            // Cargo runs a benchmark in the folder of its package.
            folder: PathBuf::from("target/bench"),
            json: PathBuf::from("target/bench/upgrade.json"),
            child: None,
            node: None,
            plain: None,
            cluster: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                // What cargo itself adds.
                "--bench" => {}
                "--records" => options.records.push(count(&value()?)?),
                "--rounds" => options.rounds = count(&value()?)?,
                "--part" => options.parts.push(one_of(&PARTS, value()?)?),
                "--mode" => options.modes.push(one_of(&WAYS.map(|(name, _)| name), value()?)?),
                "--rate" => options.rate = u32::try_from(count(&value()?)?).map_err(crate::records::text)?,
                "--before" => options.before = Duration::from_secs(count(&value()?)? as u64),
                "--nodes" => options.nodes = count(&value()?)?,
                "--folder" => options.folder = value()?.into(),
                "--json" => options.json = value()?.into(),
                "--quick" => {
                    (options.rounds, options.records, options.before) = (1, vec![1_000], Duration::from_secs(1));
                    options.nodes = 5;
                }
                // What this program calls itself with.
                "--child" => options.child = Some((value()?, value()?.into())),
                "--node" => options.node = Some((value()?, value()?.into())),
                "--plain" => options.plain = Some(value()?),
                "--cluster" => options.cluster = Some((count(&value()?)?, value()?.into())),
                other => return Err(format!("unknown option {other}; see --help")),
            }
        }
        if options.records.is_empty() {
            options.records = vec![1_000, 100_000, 1_000_000];
        }
        Ok(Some(options))
    }

    /// Whether a part is to be measured.
    pub(crate) fn measures(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|asked| asked == part)
    }

    /// The modes of moves that are to be measured.
    pub(crate) fn modes(&self) -> impl Iterator<Item = (&'static str, Mode)> {
        WAYS.into_iter().filter(|(name, _)| self.modes.is_empty() || self.modes.iter().any(|asked| asked == name))
    }
}

fn one_of(known: &[&str], text: String) -> Result<String, String> {
    if known.contains(&&*text) { Ok(text) } else { Err(format!("{text} is none of {}", known.join(", "))) }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("not a number above 0: {text}"))
}
