//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

pub(crate) const HELP: &str = "\
Measures what a call costs, per candidate and workload.

    cargo bench --bench calls -- [OPTIONS]

    --filter TEXT    Only rows whose `CANDIDATE / DRIVER / WORKLOAD / N in flight` contains TEXT; given again, a row
                     has to contain each. Raw and tonic under the raw driver always run beside them, for the ratios, and
                     so does what is compared with the same without.
    --experiments    Run the experiments too
    --seconds N      Length of one measurement [default: 1]
    --rounds N       Measurements of each row [default: 3]
    --json PATH      Where the rows go as JSON [default: target/bench/calls.json]
    --quick          A smoke run of some seconds: one short round
    --help           Print this";

/// What this process is.
pub(crate) enum Role {
    Help,
    Run(Options),
    Server { candidate: String },
    Client(Task),
}

pub(crate) struct Options {
    pub(crate) filters: Vec<String>,
    pub(crate) experiments: bool,
    pub(crate) length: Duration,
    pub(crate) rounds: usize,
    pub(crate) json: PathBuf,
}

/// What a client process drives.
pub(crate) struct Task {
    pub(crate) candidate: String,
    pub(crate) driver: String,
    pub(crate) workload: String,
    pub(crate) length: Duration,
    pub(crate) port: u16,
}

impl Role {
    pub(crate) fn from_args(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let arguments: Vec<String> = arguments.collect();
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["server", candidate] => Ok(Self::Server { candidate: candidate.to_owned() }),
            ["client", candidate, driver, workload, seconds, port] => Ok(Self::Client(Task {
                candidate: candidate.to_owned(),
                driver: driver.to_owned(),
                workload: workload.to_owned(),
                length: length(seconds)?,
                port: port.parse().map_err(|_| format!("no port: {port}"))?,
            })),
            _ => Self::run(arguments.into_iter()),
        }
    }

    fn run(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options {
            filters: Vec::new(),
            experiments: false,
            length: Duration::from_secs(1),
            rounds: 3,
            // Cargo runs a benchmark in the folder of its package.
            json: PathBuf::from("target/bench/calls.json"),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" | "-h" => return Ok(Self::Help),
                // What cargo itself adds.
                "--bench" => {}
                "--filter" => options.filters.push(value()?),
                "--experiments" => options.experiments = true,
                "--seconds" => options.length = length(&value()?)?,
                "--rounds" => options.rounds = count(&value()?)?,
                "--json" => options.json = value()?.into(),
                "--quick" => (options.rounds, options.length) = (1, Duration::from_millis(100)),
                other => return Err(format!("unknown option {other}; see --help")),
            }
        }
        Ok(Self::Run(options))
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
