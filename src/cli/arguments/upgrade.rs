//! The arguments of `straddle upgrade`.

use std::str::FromStr;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};

use super::operator::{Accepted, CoordinatorAddress, WantedUpgrade};
use super::schedule::ScheduleArguments;
use crate::cli::duration;
use crate::coordinator::schedule::Share;

#[derive(Args, Debug)]
#[command(
    after_help = "NUMBER is that of an upgrade, PROTOCOL stands for its last one; without either, the last one is meant, where nodes of \
one protocol alone are coordinated. A single node is moved, without a coordinator, with `straddle node upgrade`.

Exit codes: 0 when it is where it was told to lead: every node runs the new version (complete, finalized), or the old one again \
where an operator has taken it back; of `start`, `resume`, `limits` and `finalize` with --watch only when every node runs the new \
version, of `rollback` only when every node runs the old one; 1 when it was refused or failed; 2 when the arguments are bad, or the coordinator cannot be reached or was lost \
sight of; 3 when it is under way; 4 when it is paused; 5 when it was taken back by \
itself (a gate), or by somebody else while it was followed, or when a node's move has failed and holds it up; 6 \
when it holds for something else that only somebody can mend, as a method that would become refused, or a release that is not \
there; 7 when --timeout is over; \
130 after Ctrl-C. The last two end the watching, and not the upgrade. What only begins something, without --watch, ends with 0 \
once that has begun.

Examples:
  straddle upgrade start inventory 2.0.0 --watch
  straddle upgrade status
  straddle upgrade rollback --why 'orders are slow' --watch
  straddle upgrade finalize --watch"
)]
pub(in crate::cli) struct UpgradeArguments {
    #[command(flatten)]
    pub(in crate::cli) at: CoordinatorAddress,
    #[command(subcommand)]
    pub(in crate::cli) directive: UpgradeDirective,
}

/// What is done with upgrades.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum UpgradeDirective {
    /// Have all nodes of a protocol moved to a version, as a schedule says
    ///
    /// `straddle plan` says in advance what will happen.
    Start(Box<StartArguments>),
    /// Say how far an upgrade is, what it waits for, and what to do
    Status(UpgradeStatusArguments),
    /// Give no node a permit any more; moves that have begun go on
    Pause(PauseArguments),
    /// Let a paused upgrade go on; nodes whose move has failed try again
    Resume(ResumeArguments),
    /// Take an upgrade back: every node returns to the old version
    Rollback(RollbackArguments),
    /// End an upgrade for good: there is no way back afterwards
    Finalize(FinalizeArguments),
    /// Put other limits in place of those of its schedule, for what is left of it
    Limits(LimitsArguments),
    /// Let nodes go that a manual schedule holds, or whose move has failed
    LetGo(LetGoArguments),
}

/// Which one, and whether it is followed.
#[derive(Args, Debug)]
pub(in crate::cli) struct WhichUpgrade {
    /// The upgrade's number; or the name of a protocol, whose last one is meant [default: the last one]
    #[arg(value_name = "NUMBER|PROTOCOL", id = "number")]
    pub(in crate::cli) named: Option<Named>,
    #[command(flatten)]
    pub(in crate::cli) watch: Watch,
}

/// An upgrade, as somebody names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Named {
    Number(u64),
    /// The last one of this protocol.
    Protocol(String),
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
        match text.parse() {
            Ok(number) => Ok(Self::Number(number)),
            Err(_) if text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.chars().all(plain) => {
                Ok(Self::Protocol(text.to_owned()))
            }
            Err(_) => Err("say the number of an upgrade, or the name of a protocol".to_owned()),
        }
    }
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Watch {
    /// Follow it until it is done or paused, or until nothing happens any more before somebody mends what it waits for
    #[arg(long)]
    pub(in crate::cli) watch: bool,
    /// Follow it no longer than this; then say what it waits for
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "watch")]
    pub(in crate::cli) timeout: Option<Duration>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct StartArguments {
    #[command(flatten)]
    pub(in crate::cli) wanted: WantedUpgrade,
    #[command(flatten)]
    pub(in crate::cli) schedule: ScheduleArguments,
    #[command(flatten)]
    pub(in crate::cli) watch: Watch,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct UpgradeStatusArguments {
    #[command(flatten)]
    pub(in crate::cli) which: WhichUpgrade,
    /// List all upgrades, those that have ended as well
    #[arg(long, conflicts_with_all = ["number", "watch", "timeout"])]
    pub(in crate::cli) all: bool,
    /// Only those of this protocol
    #[arg(long, value_name = "NAME", conflicts_with = "number")]
    pub(in crate::cli) protocol: Option<String>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct PauseArguments {
    #[command(flatten)]
    pub(in crate::cli) which: WhichUpgrade,
    /// Why, for those who look
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(in crate::cli) why: String,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct ResumeArguments {
    #[command(flatten)]
    pub(in crate::cli) which: WhichUpgrade,
    /// Go on although this method becomes refused for callers of this version; see `straddle upgrade start --help`
    #[arg(long, value_name = "VERSION:METHOD")]
    pub(in crate::cli) accept: Vec<Accepted>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct RollbackArguments {
    #[command(flatten)]
    pub(in crate::cli) which: WhichUpgrade,
    /// Why, for those who look
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(in crate::cli) why: String,
    /// Let nodes go back without the records that the old version cannot express; each node keeps them in its state folder
    #[arg(long)]
    pub(in crate::cli) accept_loss: bool,
    /// Go back although this method becomes refused for callers of this version; see `straddle upgrade start --help`
    #[arg(long, value_name = "VERSION:METHOD")]
    pub(in crate::cli) accept: Vec<Accepted>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct FinalizeArguments {
    #[command(flatten)]
    pub(in crate::cli) which: WhichUpgrade,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("limits").multiple(true).required(true))]
pub(in crate::cli) struct LimitsArguments {
    #[command(flatten)]
    pub(in crate::cli) which: WhichUpgrade,
    /// So many nodes go on serving, as 2 or 80%
    #[arg(long, value_name = "NODES", group = "limits")]
    pub(in crate::cli) minimum_serving: Option<Share>,
    /// So many for each value of this label; an empty one: of all nodes
    #[arg(long, value_name = "LABEL", group = "limits")]
    pub(in crate::cli) serving_by: Option<String>,
    /// At most so many versions run at once; 0: any number
    #[arg(long, value_name = "VERSIONS", group = "limits")]
    pub(in crate::cli) versions: Option<u64>,
    /// The oldest and the newest version that run are at most so many steps apart; 0: any number
    #[arg(long, value_name = "STEPS", group = "limits")]
    pub(in crate::cli) apart: Option<u64>,
    /// Why, for those who look
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(in crate::cli) why: String,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct LetGoArguments {
    /// The upgrade's number
    pub(in crate::cli) number: u64,
    /// The nodes' names
    #[arg(required = true, value_name = "NODE")]
    pub(in crate::cli) nodes: Vec<String>,
}
