//! The `straddle` program.

mod add;
mod arguments;
mod barrier;
mod bundle;
mod call;
mod callers;
mod check;
mod completions;
mod convert;
mod coordinator;
mod crossing;
mod db;
mod demo;
mod duration;
mod events;
mod inspect;
mod json;
mod keygen;
mod log;
mod node;
mod nodes;
mod operator;
mod pass_sockets;
mod plan;
mod protocols;
mod publish;
mod release;
mod retire;
mod serve_example;
mod serve_node;
mod show;
mod signals;
mod snippet;
mod supervise;
mod unknown;
mod upgrade;
mod verify;
mod versions;
mod whole_file;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use self::arguments::{Arguments, Command};

/// Runs the program with the arguments of the process.
///
/// Exit codes: 0 when all went well, 1 when what was asked for failed or the input is bad, 2 when the arguments are, and
/// what a command says besides.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = log::start(service(&arguments.command)).and_then(|_exporting| match arguments.command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Call(arguments) => call::run(&arguments),
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Add(arguments) => add::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Bundle(arguments) => bundle::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Keygen(arguments) => keygen::run(&arguments),
        Command::Node(arguments) => node::run(&arguments),
        Command::Release(arguments) => release::run(&arguments),
        Command::Supervise(arguments) => supervise::run(&arguments),
        Command::Barrier(arguments) => barrier::run(&arguments),
        Command::Coordinator(arguments) => coordinator::run(&arguments),
        Command::Publish(arguments) => publish::run(&arguments),
        Command::Versions(arguments) => versions::run(&arguments),
        Command::Upgrade(arguments) => upgrade::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Nodes(arguments) => nodes::run(&arguments),
        Command::Callers(arguments) => callers::run(&arguments),
        Command::Deprecate(arguments) => retire::deprecate(&arguments),
        Command::Retire(arguments) => retire::run(&arguments),
        Command::Unretire(arguments) => retire::unretire(&arguments),
        Command::Events(arguments) => events::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Db(arguments) => db::run(&arguments),
        Command::ServeExample(arguments) => serve_example::run(&arguments),
        Command::ServeNode(arguments) => serve_node::run(&arguments),
        Command::PassSockets(arguments) => pass_sockets::run(&arguments),
    });
    match outcome {
        Ok(code) => code,
        // Whoever read our output has seen enough.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            let prefix = if io::stderr().is_terminal() { "\x1b[31merror\x1b[0m" } else { "error" };
            let _ = writeln!(io::stderr(), "{prefix}: {error}");
            if error.is::<BadArguments>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// What a command is called by those who look at its spans, if it takes calls for long.
fn service(command: &Command) -> Option<&'static str> {
    match command {
        Command::Coordinator(_) => Some("straddle-coordinator"),
        Command::ServeExample(_) | Command::ServeNode(_) => Some("straddle-node"),
        _ => None,
    }
}

/// What a command ends with.
type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

/// Arguments that clap took but that do not fit what they are about, as a method that the version does not declare.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct BadArguments(String);

fn count(number: u64, one: &str, several: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {several}") }
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
