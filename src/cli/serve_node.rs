//! `straddle serve-node`: a release of the inventory, as supervisors start it.

use std::process::Termination;
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use tonic::Status;

use super::Outcome;
use super::arguments::{ServeNodeArguments, Spoiled};
use crate::inventory::clock::{Clock, SystemClock};
use crate::inventory::{Spoil, release};
use crate::node::Program;
use crate::simulation::{Observe, ObservedCall};
use crate::state::Mode;

pub(super) fn run(arguments: &ServeNodeArguments) -> Outcome {
    let spoil = match arguments.spoiled {
        Some(Spoiled::Start) => crash("at its start"),
        Some(Spoiled::After(after)) => {
            thread::spawn(move || {
                thread::sleep(after);
                crash("some time after its start")
            });
            None
        }
        Some(Spoiled::NeverHealthy) => Some(Spoil::NeverOpens),
        Some(Spoiled::Verify) => Some(Spoil::NotSane),
        Some(Spoiled::FirstCall) | None => None,
    };
    let mut program = Program::from_env();
    for (set, address) in
        [(Program::listen as fn(Program, &str) -> Program, &arguments.listen), (Program::admin, &arguments.admin)]
    {
        if let Some(address) = address {
            program = set(program, address);
        }
    }
    if let Some(state) = &arguments.state {
        program = program.state(state);
    }
    if let Some(wait) = arguments.wait {
        program = program.wait_for_state(wait);
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut builder = release(&arguments.runs, &clock, Mode::Online, spoil)?;
    if arguments.spoiled == Some(Spoiled::FirstCall) {
        builder = builder.observe(Crashes);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(program.run(builder));
    // What never opens holds a thread, and nobody waits for it.
    runtime.shutdown_background();
    Ok(ended.report())
}

fn crash(when: &str) -> ! {
    eprintln!("this release is broken on purpose, and crashes {when}");
    std::process::abort()
}

/// Crashes where an ordinary caller calls.
struct Crashes;

impl Observe for Crashes {
    fn admit(&self, call: &ObservedCall, _: Option<&Bytes>) -> Result<(), Status> {
        // The new object itself was tried with this, before any caller came.
        if call.method.ends_with("/ListItems") { Ok(()) } else { crash("at its first call") }
    }
}
