//! What a node is doing, as the journal keeps it.

use std::ops::Not;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::epoch::Epoch;
use super::phase::Phase;
use crate::version::Version;

/// All that a node remembers of its version over a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The phase.
    pub phase: Phase,
    /// The epoch that was current when the phase began; the pointer tells which one is current now.
    pub epoch: Epoch,
    /// What is under way; in [`Phase::Serving`] and [`Phase::Finalizing`] nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<Move>,
    /// The epoch before the current one, as long as there is a way back to its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Epoch>,
    /// The epoch that is made ahead of time, while callers are answered by the current one; a move to its version takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Epoch>,
    /// The highest number of an epoch that there ever was.
    pub highest: u64,
    /// Why the last move did not come to its end, if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The coordinator's permit under which the node moves, or has moved last under one; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub permit: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A move from one version to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The version that it leads to.
    pub to: Version,
    /// On or back.
    pub way: Way,
    /// The epoch that is being made, once its making has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Epoch>,
    /// How often its making has begun, counting crashes.
    #[serde(default)]
    pub attempts: u32,
    /// Whether it is permitted for when somebody gives the word alone. Nobody gives it to a program that was started anew, so
    /// it is forgotten then.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub on_word: bool,
    /// Whether it is permitted by a coordinator. What is permitted so holds for a time of the program that has asked, so it is
    /// forgotten when the program ends before callers were held back.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub under_permit: bool,
    /// Whether it is only to show what would be lost: it never comes to its end.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub dry_run: bool,
    /// Where what cannot be carried back is written before it is given up, if whoever called for the move accepted that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
}

impl Move {
    /// One that was only called for.
    pub(super) fn new(to: Version, way: Way) -> Self {
        Self { to, way, target: None, attempts: 0, on_word: false, under_permit: false, dry_run: false, accepted: None }
    }
}

/// The consent to a loss. A program that goes on with the move after a crash has it, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Where losses are written; one a line.
    pub file: PathBuf,
    /// How many bytes the file had before: what is behind them is of this move.
    pub from: u64,
}

/// The direction of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// An upgrade: the transform function makes the epoch.
    On,
    /// A rollback: the reverse function makes it.
    Back,
}
