//! The arguments of commands that ask the coordinator.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::schedule::ScheduleArguments;
use crate::cli::duration;
use crate::control::v1_0_0::{DeclaredCaller, OnFailedGate};
use crate::version::Version;

/// Where the coordinator is.
#[derive(Args, Debug)]
#[expect(clippy::doc_markdown, reason = "this is the text of --help")]
pub(in crate::cli) struct CoordinatorAddress {
    /// The coordinator's address [default: what STRADDLE_COORDINATOR says, or 127.0.0.1:7300]
    #[arg(long, value_name = "ADDRESS", global = true)]
    pub(in crate::cli) coordinator: Option<String>,
    /// Wait this long for a coordinator that cannot be reached
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration::parse, global = true)]
    pub(in crate::cli) wait: Duration,
    /// Print JSON
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "A version that was published never changes: another schema or step under its name is refused. Publishing the \
same again changes nothing.

Exit codes: 0 when it is published; 1 when it was refused or failed; 2 when the arguments or the files are bad, or the \
coordinator cannot be reached.

Examples:
  straddle publish schemas/inventory --key release.key
  straddle publish inventory-2.0.0.bundle"
)]
pub(in crate::cli) struct PublishArguments {
    #[command(flatten)]
    pub(in crate::cli) at: CoordinatorAddress,
    /// A protocol's folder, such as schemas/inventory, all of whose versions are published; or a bundle, as `straddle bundle`
    /// wrote it
    #[arg(value_name = "DIR|git:REV:PATH|FILE.bundle")]
    pub(in crate::cli) what: String,
    /// Sign it with this secret key, as `straddle keygen` made it; a bundle that is signed already gets this signature
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) key: Option<PathBuf>,
    /// Of a folder, publish no versions after this one
    #[arg(long, value_name = "VERSION")]
    pub(in crate::cli) up_to: Option<Version>,
    /// Publish it although methods are open: calls of them are refused
    #[arg(long)]
    pub(in crate::cli) allow_open: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0; 1 when it was refused or failed; 2 when the arguments are bad or the coordinator cannot be \
reached."
)]
pub(in crate::cli) struct VersionsArguments {
    #[command(flatten)]
    pub(in crate::cli) at: CoordinatorAddress,
    /// Only those of this protocol
    pub(in crate::cli) protocol: Option<String>,
}

/// An upgrade that is to be started, or planned.
#[derive(Args, Debug)]
pub(in crate::cli) struct WantedUpgrade {
    /// The protocol's name, as inventory
    pub(in crate::cli) protocol: String,
    /// The version that all nodes are to run
    pub(in crate::cli) version: Version,
    /// What happens when a gate fails [default: what the schedule says, or pause]
    #[arg(long, value_name = "WHAT")]
    pub(in crate::cli) on_failed_gate: Option<FailedGate>,
    /// Go on although this method becomes refused for callers of this version, as
    /// 2.0.0:inventory.v2.Inventory.ListItems; without it, a live method that would become refused keeps nodes from going
    #[arg(long, value_name = "VERSION:METHOD")]
    pub(in crate::cli) accept: Vec<Accepted>,
    /// Callers of this version are there although no node reports them, as 1.0.0, or with their methods, as
    /// 1.0.0:inventory.v1.Inventory.GetItem,inventory.v1.Inventory.PutItem
    #[arg(long = "callers", value_name = "VERSION[:METHOD,...]")]
    pub(in crate::cli) callers: Vec<Callers>,
    /// What is random in the schedule, again as it was under this seed
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) seed: Option<u64>,
}

/// What happens when a gate fails.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum FailedGate {
    /// Nobody is given a permit any more until an operator says so.
    Pause,
    /// Nodes go back.
    RollBack,
}

impl From<FailedGate> for OnFailedGate {
    fn from(what: FailedGate) -> Self {
        match what {
            FailedGate::Pause => Self::Pause,
            FailedGate::RollBack => Self::RollBack,
        }
    }
}

/// A method that may become refused, as the coordinator writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Accepted(pub(in crate::cli) String);

impl FromStr for Accepted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "say the callers' version and the method, as 2.0.0:inventory.v2.Inventory.ListItems";
        let (version, name) = text.split_once([':', ' ']).ok_or(wanted)?;
        let version = of_version(version)?;
        Ok(Self(format!("{version} {}", method(name).ok_or(wanted)?)))
    }
}

/// Callers that are there although nobody reports them.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli) struct Callers(pub(in crate::cli) DeclaredCaller);

impl FromStr for Callers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (version, methods) =
            text.split_once(':').map_or((text, None), |(version, methods)| (version, Some(methods)));
        let named = |name: &str| {
            method(name).ok_or_else(|| format!("{name:?} is no method: write it as inventory.v1.Inventory.GetItem"))
        };
        let methods = methods.map(|methods| methods.split(',').map(named).collect::<Result<_, _>>()).transpose()?;
        Ok(Self(DeclaredCaller { version: of_version(version)?.to_string(), methods: methods.unwrap_or_default() }))
    }
}

fn of_version(text: &str) -> Result<Version, String> {
    text.trim().parse().map_err(|error| format!("{text:?} is no version: {error}"))
}

/// A method's full name, with a dot or a slash before its last part.
fn method(name: &str) -> Option<String> {
    let name = name.trim().trim_start_matches('/').replace('/', ".");
    (name.contains('.') && name.split('.').all(|part| !part.is_empty())).then_some(name)
}

#[derive(Args, Debug)]
#[command(
    after_help = "Nothing is changed. Exit codes: 0 when nothing would block the upgrade; 1 when it was refused or failed; 2 when \
the arguments are bad or the coordinator cannot be reached; 6 when something would block it.

Examples:
  straddle plan inventory 2.0.0
  straddle plan inventory 2.0.0 --schedule schedule.toml --json"
)]
pub(in crate::cli) struct PlanArguments {
    #[command(flatten)]
    pub(in crate::cli) at: CoordinatorAddress,
    #[command(flatten)]
    pub(in crate::cli) wanted: WantedUpgrade,
    #[command(flatten)]
    pub(in crate::cli) schedule: ScheduleArguments,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0; 1 when it was refused or failed; 2 when the arguments are bad or the coordinator cannot be \
reached; 130 after Ctrl-C with --follow.

Examples:
  straddle events --newest 20
  straddle events --upgrade 3 --follow
  straddle events --node node-a --json"
)]
pub(in crate::cli) struct EventsArguments {
    #[command(flatten)]
    pub(in crate::cli) at: CoordinatorAddress,
    /// Go on with those to come, until Ctrl-C
    #[arg(long)]
    pub(in crate::cli) follow: bool,
    /// Only those of this protocol
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) protocol: Option<String>,
    /// Only those of this upgrade
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) upgrade: Option<u64>,
    /// Only those of this node
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) node: Option<String>,
    /// Only those after the one of this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(in crate::cli) after: u64,
    /// Of those that have happened, only so many of the newest
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) newest: Option<u64>,
}

#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "A single node is asked, over its own admin service, with `straddle node status`.

Exit codes: 0; 1 when it was refused or failed; 2 when the arguments are bad or the coordinator cannot be reached.

Examples:
  straddle nodes
  straddle nodes --protocol inventory --json
  straddle nodes forget inventory node-a"
)]
pub(in crate::cli) struct NodesArguments {
    #[command(flatten)]
    pub(in crate::cli) at: CoordinatorAddress,
    /// Only those of this protocol
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) protocol: Option<String>,
    #[command(subcommand)]
    pub(in crate::cli) directive: Option<NodesDirective>,
}

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum NodesDirective {
    /// Tell the coordinator that a node is gone for good
    ///
    /// Its permit is over, it counts for nothing, and it holds nothing up any more. If it comes back all the same, it is fenced
    /// until it has been admitted anew and brought up to where the others are. So forget a node only when it does not run: it may
    /// be in the middle of a move.
    Forget(ForgetArguments),
}

#[derive(Args, Debug)]
pub(in crate::cli) struct ForgetArguments {
    /// The protocol's name
    pub(in crate::cli) protocol: String,
    /// The node's name
    pub(in crate::cli) node: String,
    /// Also when it was heard a moment ago, and so runs
    #[arg(long)]
    pub(in crate::cli) anyway: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Calls are counted by the nodes, exactly, and told to the coordinator at least each 30 seconds; the first call of a
method is told with the node's next report. A caller is known by the name that it gives itself (metadata `straddle-caller`), else
by its address and user agent; the most active ones are listed, and `+N` behind a count says how many more it may be. How many
calls failed or were refused is known of all callers together: with --caller the table of methods is left out, and `methods` of
--json is null.

Exit codes: 0, also when nobody calls; 1 when it was refused or failed; 2 when the arguments are bad or the coordinator cannot be
reached.

Examples:
  straddle callers inventory
  straddle callers inventory --version 1.0.0 --within 14d
  straddle callers inventory --unlabelled --json
  straddle callers inventory --caller billing --watch"
)]
pub(in crate::cli) struct CallersArguments {
    #[command(flatten)]
    pub(in crate::cli) at: CoordinatorAddress,
    /// The protocol's name
    pub(in crate::cli) protocol: String,
    /// Only callers of this version
    #[arg(long)]
    pub(in crate::cli) version: Option<Version>,
    /// Only of this method: package.Service.Method, or the end of that
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) method: Option<String>,
    /// Only callers whose name has this in it, and what they call
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) caller: Option<String>,
    /// Only callers without a label
    #[arg(long)]
    pub(in crate::cli) unlabelled: bool,
    /// Only what was called in so much time up to now
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(in crate::cli) within: Option<Duration>,
    /// How many callers are listed, the most active first; 0 for all that are known
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub(in crate::cli) most: usize,
    /// Tell it again and again, until Ctrl-C
    #[arg(long)]
    pub(in crate::cli) watch: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_may_become_refused_is_written_in_several_ways() {
        for text in ["2.0.0:a.v2.B.C", "2.0.0 a.v2.B/C", "2.0.0:/a.v2.B/C"] {
            assert_eq!(text.parse(), Ok(Accepted("2.0.0 a.v2.B.C".to_owned())), "{text}");
        }
        for text in ["a.v2.B.C", "2.0.0", "2.0.0:", "2.0.0:C", "two:a.B", "2.0.0:a..C"] {
            assert!(text.parse::<Accepted>().is_err(), "{text}");
        }
    }

    #[test]
    fn callers_are_of_a_version_and_of_all_methods_or_some() {
        let callers = |version: &str, methods: &[&str]| {
            let methods = methods.iter().map(|method| (*method).to_owned()).collect();
            Ok(Callers(DeclaredCaller { version: version.to_owned(), methods }))
        };
        assert_eq!("1.0.0".parse(), callers("1.0.0", &[]));
        assert_eq!("1.0.0:a.B.C,a.B/D".parse(), callers("1.0.0", &["a.B.C", "a.B.D"]));
        for text in ["", "one", "1.0.0:", "1.0.0:C"] {
            assert!(text.parse::<Callers>().is_err(), "{text}");
        }
    }
}
