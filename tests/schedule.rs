//! Scheduling functions as a `schedule.toml` puts them together, and gates: what they say of fleets written down case by case,
//! and what has to be so of any fleet.
#![cfg(feature = "coordinator")]

#[path = "schedule/cases.rs"]
mod cases;
#[path = "schedule/file.rs"]
mod file;
#[path = "schedule/fleet.rs"]
mod fleet;
#[path = "schedule/gates.rs"]
mod gates;
#[path = "schedule/own.rs"]
mod own;
#[path = "schedule/plans.rs"]
mod plans;
#[path = "schedule/properties.rs"]
mod properties;
#[path = "schedule/windows.rs"]
mod windows;
