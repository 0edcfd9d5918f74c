//! How an upgrade is doing, as an exit code.

use std::process::ExitCode;

use crate::control::v1_0_0::{StoredUpgrade, UpgradeState, UpgradeStatus};

const UNDER_WAY: u8 = 3;
const PAUSED: u8 = 4;
const FAILED: u8 = 5;
const STANDS: u8 = 6;
/// Who changes an upgrade that nobody else has changed.
const COORDINATOR: &str = "coordinator";
/// The time for watching is over.
pub(super) const NOT_IN_TIME: u8 = 7;

/// Where whoever asks wants it to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// All nodes at the new version.
    Forward,
    /// All nodes at the old one.
    Back,
}

impl Wish {
    /// Where an operator has told it to lead, last of all. What a gate takes back was to go on.
    pub(super) fn of(status: &UpgradeStatus) -> Self {
        let by_itself = status.upgrade.as_ref().is_some_and(|upgrade| upgrade.changed_by == COORDINATOR);
        match state(status) {
            UpgradeState::RollingBack | UpgradeState::RolledBack if !by_itself => Self::Back,
            _ => Self::Forward,
        }
    }
}

pub(super) fn state(status: &UpgradeStatus) -> UpgradeState {
    status.upgrade.as_ref().map_or(UpgradeState::Unspecified, StoredUpgrade::state)
}

pub(super) fn number(status: &UpgradeStatus) -> u64 {
    status.upgrade.as_ref().map(|upgrade| upgrade.number).unwrap_or_default()
}

/// Whether nothing happens any more before an operator says something.
pub(super) fn rests(status: &UpgradeStatus) -> bool {
    use UpgradeState::{Complete, Finalized, Paused, RolledBack};
    matches!(state(status), Complete | Finalized | Paused | RolledBack) || status.rests
}

pub(super) fn code(status: &UpgradeStatus, wish: Wish) -> ExitCode {
    ExitCode::from(number_of_code(status, wish))
}

fn number_of_code(status: &UpgradeStatus, wish: Wish) -> u8 {
    match (state(status), wish) {
        (UpgradeState::Complete | UpgradeState::Finalized, Wish::Forward) | (UpgradeState::RolledBack, Wish::Back) => 0,
        (UpgradeState::Complete | UpgradeState::Finalized | UpgradeState::RolledBack, _) => FAILED,
        (UpgradeState::Paused, _) => PAUSED,
        _ if status.failed > 0 => FAILED,
        _ if status.rests => STANDS,
        _ => UNDER_WAY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: UpgradeState, failed: u64) -> UpgradeStatus {
        let upgrade = StoredUpgrade { state: state.into(), ..Default::default() };
        UpgradeStatus { upgrade: Some(upgrade), failed, ..Default::default() }
    }

    #[test]
    fn the_exit_code_tells_done_under_way_paused_and_failed_apart() {
        use UpgradeState::{Complete, Finalized, Finalizing, Paused, RolledBack, RollingBack, Running};
        for (state, failed, forward, back) in [
            (Running, 0, 3, 3),
            (Running, 1, 5, 5),
            (Paused, 0, 4, 4),
            (Paused, 1, 4, 4),
            (Complete, 0, 0, 5),
            (RollingBack, 0, 3, 3),
            (RolledBack, 0, 5, 0),
            (Finalizing, 0, 3, 3),
            (Finalized, 0, 0, 5),
        ] {
            let status = status(state, failed);
            assert_eq!(number_of_code(&status, Wish::Forward), forward, "{state:?}");
            assert_eq!(number_of_code(&status, Wish::Back), back, "{state:?}");
        }
    }

    #[test]
    fn an_upgrade_that_was_taken_back_is_where_it_was_to_be_unless_a_gate_has_done_it() {
        for (by, code) in [("ada", 0), ("coordinator", FAILED)] {
            let mut back = status(UpgradeState::RolledBack, 0);
            by.clone_into(&mut back.upgrade.as_mut().unwrap().changed_by);
            assert_eq!(number_of_code(&back, Wish::of(&back)), code, "{by}");
        }
    }

    #[test]
    fn an_upgrade_that_somebody_has_to_see_to_rests() {
        let mut held = status(UpgradeState::Running, 1);
        assert!(!rests(&held), "others may go on");
        held.rests = true;
        assert!(rests(&held));
        assert_eq!(number_of_code(&held, Wish::Forward), FAILED);
        let back = UpgradeStatus { rests: true, ..status(UpgradeState::RollingBack, 0) };
        assert_eq!((rests(&back), number_of_code(&back, Wish::Back)), (true, STANDS));
    }
}
