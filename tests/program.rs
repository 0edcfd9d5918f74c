//! A service's own program, as a supervisor starts, replaces and ends it.
#![cfg(all(feature = "cli", unix))]

#[path = "program/double.rs"]
mod double;
#[path = "program/failing.rs"]
mod failing;
#[path = "program/load.rs"]
mod load;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;
#[path = "program/raw.rs"]
mod raw;
#[path = "program/replaced.rs"]
mod replaced;
#[path = "program/started.rs"]
mod started;
#[path = "program/staying.rs"]
mod staying;
