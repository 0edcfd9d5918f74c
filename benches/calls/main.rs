//! `cargo bench --bench calls`: what a call costs, against raw HTTP/2 (the limit) and plain tonic.
//!
//! Server and client are two processes of this program, both on one core, each on a current-thread runtime: two busy
//! cores steal from each other on a shared machine, and throughput is then 1 / (server + client CPU). Candidates
//! alternate within each round, so that a slow minute hits them all.
//!
//! To add a candidate, write its server under `servers/` and name it in `candidates.rs`.
#![allow(missing_docs, reason = "a program, not an interface")]

mod candidates;
mod client;
mod drivers;
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, unreachable_pub, dead_code, reason = "generated")]
mod echo;
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, unreachable_pub, dead_code, reason = "generated")]
#[path = "generated/echo.rs"]
mod generated;
mod options;
mod process;
mod report;
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, unreachable_pub, dead_code, reason = "generated")]
#[path = "generated/rules.rs"]
mod rules;
mod run;
mod sent;
mod server;
mod servers;
mod workloads;

use std::process::ExitCode;

use options::{Options, Role};

fn main() -> ExitCode {
    let outcome = match Role::from_args(std::env::args().skip(1)) {
        Ok(Role::Help) => {
            println!("{}", options::HELP);
            Ok(())
        }
        Ok(Role::Run(options)) => measure(&options),
        Ok(Role::Server { candidate }) => server::run(&candidate),
        Ok(Role::Client(task)) => client::run(&task),
        Err(message) => Err(message),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("calls: {message}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<(), String> {
    let rows = report::rows(&run::all(options)?);
    report::write_json(&options.json, options, &rows)?;
    print!("{}", report::table(&rows));
    eprintln!("written to {}", options.json.display());
    Ok(())
}
