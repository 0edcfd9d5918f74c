//! Names of states and phases, as messages and JSON have them.

use crate::control::v1_0_0::{OnFailedGate, Phase, UpgradeState, Way};

/// `rolling-back`; one that this program does not know by its number.
pub(in crate::cli) fn state(state: i32) -> String {
    match UpgradeState::try_from(state) {
        Ok(known) => written(known.as_str_name(), "UPGRADE_STATE_"),
        Err(_) => format!("state {state}"),
    }
}

pub(in crate::cli) fn phase(phase: i32) -> String {
    match Phase::try_from(phase) {
        Ok(known) => written(known.as_str_name(), "PHASE_"),
        Err(_) => format!("phase {phase}"),
    }
}

pub(in crate::cli) fn way(way: i32) -> String {
    match Way::try_from(way) {
        Ok(known) => written(known.as_str_name(), "WAY_"),
        Err(_) => format!("way {way}"),
    }
}

pub(in crate::cli) fn on_failed_gate(what: i32) -> String {
    match OnFailedGate::try_from(what) {
        Ok(known) => written(known.as_str_name(), "ON_FAILED_GATE_"),
        Err(_) => format!("{what}"),
    }
}

fn written(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase().replace('_', "-")
}
