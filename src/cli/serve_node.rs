//! `straddle serve-node`: a release of the inventory, as supervisors start it.

use std::process::Termination;
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use tonic::Status;

use super::arguments::{ServeNodeArguments, Spoiled};
use super::{Outcome, keygen};
use crate::inventory::clock::{Clock, SystemClock};
use crate::inventory::{Spoil, release};
use crate::node::Program;
use crate::simulation::{Observe, ObservedCall};

pub(super) fn run(arguments: &ServeNodeArguments) -> Outcome {
    let spoil = match arguments.spoiled {
        Some(Spoiled::Start) => crash("at its start"),
        Some(Spoiled::NeverHealthy) => Some(Spoil::NeverOpens),
        Some(Spoiled::Verify) => Some(Spoil::NotSane),
        Some(Spoiled::NeverBack) => Some(Spoil::NeverBack),
        Some(Spoiled::FirstCall | Spoiled::After(_)) | None => None,
    };
    let mut program = Program::from_env();
    if let Some(Spoiled::After(after)) = arguments.spoiled {
        program = program.on_ready(move |_| {
            thread::spawn(move || {
                thread::sleep(after);
                crash("some time after it was ready")
            });
        });
    }
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
    let mut builder = release(&arguments.runs, &clock, arguments.carry, spoil)?;
    if let Some(limit) = arguments.call_limit {
        builder = builder.call_limit(limit);
    }
    if let Some(limit) = arguments.stream_limit {
        builder = builder.stream_limit(limit);
    }
    if let Some(grace) = arguments.stream_grace {
        builder = builder.stream_grace(grace);
    }
    for file in &arguments.trust {
        builder = builder.trust(keygen::public_key(file)?);
    }
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
