//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

pub(crate) const HELP: &str = "\
Measures what rewriting a message costs, per kind of change and message.

    cargo bench --bench rewrite -- [OPTIONS]

    --filter TEXT    Only rows whose `KIND / MESSAGE` contains TEXT; given again, a row has to contain each
    --seconds N      Length of one measurement [default: 0.2]
    --rounds N       Measurements of each candidate [default: 7]
    --json PATH      Where the rows go as JSON [default: target/bench/rewrite.json]
    --quick          A smoke run of some seconds: one short round
    --help           Print this";

pub(crate) struct Options {
    pub(crate) filters: Vec<String>,
    pub(crate) length: Duration,
    pub(crate) rounds: usize,
    pub(crate) json: PathBuf,
}

impl Options {
    /// Nothing where help is asked for.
    pub(crate) fn from_args(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            filters: Vec::new(),
            length: Duration::from_millis(200),
            rounds: 7,
            // Cargo runs a benchmark in the folder of its package.
            json: PathBuf::from("target/bench/rewrite.json"),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                // What cargo itself adds.
                "--bench" => {}
                "--filter" => options.filters.push(value()?),
                "--seconds" => options.length = length(&value()?)?,
                "--rounds" => options.rounds = count(&value()?)?,
                "--json" => options.json = value()?.into(),
                "--quick" => (options.rounds, options.length) = (1, Duration::from_millis(5)),
                other => return Err(format!("unknown option {other}; see --help")),
            }
        }
        Ok(Some(options))
    }
}

fn length(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("not a number of seconds: {text}"))?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|length| !length.is_zero())
        .ok_or_else(|| format!("not a length of time: {text}"))
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("not a number of rounds: {text}"))
}
