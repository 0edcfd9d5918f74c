//! The inventory example: its objects, and the simulation objects between its versions.
#![cfg(feature = "cli")]

mod native;
mod native_holds;
mod network;
mod oracle;
mod rules;
mod step_to_2;
mod step_to_3_future;
mod step_to_3_past;
mod support;
mod two_steps;
mod upgrade;
