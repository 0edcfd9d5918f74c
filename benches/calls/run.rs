//! Measures each row, round by round.

use serde_json::Value;

use crate::candidates::{CANDIDATES, Candidate, RAW, TONIC};
use crate::drivers::Driver;
use crate::options::Options;
use crate::process::{self, Spawned};
use crate::workloads::{WORKLOADS, Workload};

/// What is measured under one name.
pub(crate) struct Subject {
    pub(crate) candidate: &'static Candidate,
    pub(crate) driver: Driver,
    pub(crate) workload: &'static Workload,
}

/// One measurement.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) calls_per_s: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) server_cpu_us: f64,
}

/// Each subject with a sample of each round.
pub(crate) fn all(options: &Options) -> Result<Vec<(Subject, Vec<Sample>)>, String> {
    let core = process::pin()?;
    let mut subjects: Vec<_> = subjects(options).into_iter().map(|subject| (subject, Vec::new())).collect();
    if subjects.is_empty() {
        return Err("no row is left by these filters".to_owned());
    }
    eprintln!("{} rows, {} rounds of {:?} each, on core {core}", subjects.len(), options.rounds, options.length);
    for round in 1..=options.rounds {
        for (subject, samples) in &mut subjects {
            let sample = sample(subject, options).map_err(|error| format!("{}: {error}", subject.title()))?;
            eprintln!(
                "round {round}: {}: {:.0} calls/s, server {:.2} us a call",
                subject.title(),
                sample.calls_per_s,
                sample.server_cpu_us
            );
            samples.push(sample);
        }
    }
    Ok(subjects)
}

/// In the order of workloads, so that those that are compared run one after the other.
fn subjects(options: &Options) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for workload in WORKLOADS {
        let mut row: Vec<Subject> = Vec::new();
        for candidate in CANDIDATES.iter().filter(|candidate| options.experiments || !candidate.experiment) {
            row.extend(candidate.drivers.iter().map(|driver| Subject { candidate, driver: *driver, workload }));
        }
        let wanted = |subject: &Subject| options.filters.iter().all(|text| subject.title().contains(text));
        let offs: Vec<&str> = row.iter().filter(|one| wanted(one)).filter_map(|one| one.candidate.off).collect();
        let is_off = |subject: &Subject| subject.driver == Driver::Raw && offs.contains(&subject.candidate.name);
        if row.iter().any(wanted) {
            subjects.extend(row.into_iter().filter(|one| one.is_baseline() || is_off(one) || wanted(one)));
        }
    }
    subjects
}

impl Subject {
    pub(crate) fn title(&self) -> String {
        format!("{} / {} / {}", self.candidate.name, self.driver.name(), self.workload.title())
    }

    /// Whether ratios are taken to it.
    pub(crate) fn is_baseline(&self) -> bool {
        self.driver == Driver::Raw && (self.candidate.name == RAW || self.candidate.name == TONIC)
    }
}

/// A fresh server and a fresh client: nothing of one measurement, as the state of an allocator, reaches another.
fn sample(subject: &Subject, options: &Options) -> Result<Sample, String> {
    let Subject { candidate, driver, workload } = subject;
    let mut server = Spawned::start(&["server", candidate.name])?;
    let port = server.expect("ready").map_err(|error| format!("the server {error}"))?;
    let length = options.length.as_secs_f64().to_string();
    let mut client = Spawned::start(&["client", candidate.name, driver.name(), &workload.title(), &length, &port])?;
    client.expect("ready").map_err(|error| format!("the client {error}"))?;

    let before = cpu(&mut server)?;
    client.say("go").map_err(|error| format!("the client {error}"))?;
    let done = client.expect("done").map_err(|error| format!("the client {error}"))?;
    let after = cpu(&mut server)?;

    let done: Value = serde_json::from_str(&done).map_err(|error| format!("the client said {done}: {error}"))?;
    let number = |name: &str| done[name].as_f64().ok_or_else(|| format!("the client said no {name}"));
    Ok(Sample {
        calls_per_s: number("calls_per_s")?,
        p50_us: number("p50_us")?,
        p99_us: number("p99_us")?,
        server_cpu_us: (after - before) / 1e3 / number("calls")?,
    })
}

/// The server's CPU time so far, in nanoseconds.
fn cpu(server: &mut Spawned) -> Result<f64, String> {
    server
        .say("cpu")
        .and_then(|()| server.expect("cpu"))
        .map_err(|error| format!("the server {error}"))?
        .parse()
        .map_err(|error| format!("the server's CPU time: {error}"))
}
