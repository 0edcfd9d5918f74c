//! What the command line asks for.

use std::path::PathBuf;

pub(crate) const HELP: &str = "\
Measures what it costs to take a state from one version to the next.

    cargo bench --bench upgrade -- [OPTIONS]

    --records N      Records in a state; given again, another size [default: 1000, 100000, 1000000]
    --rounds N       Measurements of each candidate [default: 5]
    --folder PATH    Where states are made, in a folder that goes away again [default: target/bench]
    --json PATH      Where the rows go as JSON [default: target/bench/upgrade.json]
    --quick          A smoke run of some seconds: one round with 1000 records
    --help           Print this";

pub(crate) struct Options {
    pub(crate) records: Vec<usize>,
    pub(crate) rounds: usize,
    pub(crate) folder: PathBuf,
    pub(crate) json: PathBuf,
    /// What this process is to measure of itself: the way, and the folder.
    pub(crate) child: Option<(String, PathBuf)>,
}

impl Options {
    /// Nothing where help is asked for.
    pub(crate) fn from_args(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            records: Vec::new(),
            rounds: 5,
            // Cargo runs a benchmark in the folder of its package.
            folder: PathBuf::from("target/bench"),
            json: PathBuf::from("target/bench/upgrade.json"),
            child: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                // What cargo itself adds.
                "--bench" => {}
                "--records" => options.records.push(count(&value()?)?),
                "--rounds" => options.rounds = count(&value()?)?,
                "--folder" => options.folder = value()?.into(),
                "--json" => options.json = value()?.into(),
                "--quick" => (options.rounds, options.records) = (1, vec![1_000]),
                // What this program calls itself with.
                "--child" => options.child = Some((value()?, value()?.into())),
                other => return Err(format!("unknown option {other}; see --help")),
            }
        }
        if options.records.is_empty() {
            options.records = vec![1_000, 100_000, 1_000_000];
        }
        Ok(Some(options))
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("not a number above 0: {text}"))
}
