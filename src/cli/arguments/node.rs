//! The arguments of `straddle node`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::duration;
use crate::version::Version;

#[derive(Args, Debug)]
#[command(
    after_help = "ADDRESS is that of the node's admin service, as 127.0.0.1:7001: a node prints it when it starts. \
Nobody is authenticated there, so it is on a loopback address unless the node's program says otherwise.

Exit codes: 0 when it was done; 1 when it was refused or failed, and the node serves as before; 2 when the \
arguments are bad, or the node cannot be reached or was lost sight of; 3 when the node is stuck between two versions and \
its program has to be started again; 130 after Ctrl-C, which ends the watching, and not the move.

Examples:
  straddle node status 127.0.0.1:7001
  straddle node learn 127.0.0.1:7001 inventory-3.0.0.bundle
  straddle node upgrade 127.0.0.1:7001 3.0.0
  straddle node upgrade 127.0.0.1:7001 3.0.0 --drain --within 1m
  straddle node replace 127.0.0.1:7001 --release 2.0.0
  straddle node abort 127.0.0.1:7001
  straddle node rollback 127.0.0.1:7001 --dry-run
  straddle node finalize 127.0.0.1:7001"
)]
pub(in crate::cli) struct NodeArguments {
    #[command(subcommand)]
    pub(in crate::cli) directive: Directive,
}

/// What a node is told or asked.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Directive {
    /// Print what the node runs, serves and does
    Status(StatusArguments),
    /// Teach the node versions that its program was built without
    ///
    /// The node takes a bundle only if somebody has signed it whose key its program trusts. What rules say of the new
    /// versions it serves at once; methods that need code it refuses, naming the program that has it.
    Learn(LearnArguments),
    /// Upgrade the node to its next version, while callers go on
    ///
    /// New calls wait for a moment, none fails. If anything goes wrong the node goes back by itself. This moves this node alone,
    /// without a coordinator; `straddle upgrade` has a coordinator move all of them. A node that attends a coordinator is moved by
    /// hand with --anyway alone.
    Upgrade(NodeUpgradeArguments),
    /// Have the node's supervisor run another release at the version that runs, while callers go on
    ///
    /// The program is replaced as in an upgrade, and goes back as in one. An older release is taken where it is named: that is the way away
    /// from a program that is bad at every version that it runs, when the older one can run the version as well. What `rollback` leads to
    /// stays as it is.
    Replace(ReplaceArguments),
    /// Give up the move that the node's supervisor has under way
    ///
    /// Where the new program has not taken over, the program before serves on; where it has, and is not ready, it is ended, and the one
    /// before is started again. Callers may wait until then, and none fails. A move that is over is taken back by `rollback`.
    ///
    /// Exit code 1 when no move is under way, or it goes back already.
    Abort(AbortArguments),
    /// Take the node back to the version before, while callers go on
    ///
    /// That is possible until `finalize`. Records that the version before cannot express keep it from happening, and are
    /// listed.
    Rollback(NodeRollbackArguments),
    /// End the last upgrade for good: there is no way back afterwards
    Finalize(NodeFinalizeArguments),
    /// Take the node out of service, and wait until nobody is inside
    ///
    /// Its health says that it does not serve, its connections are told to go away, and callers that look go elsewhere. Whoever calls all the
    /// same is answered. The node stays so over upgrades within its program, until `resume`. A program that starts, also in the place
    /// of another one, is in service.
    ///
    /// Exit code 0 when nobody is inside, 1 when calls are left.
    Drain(DrainArguments),
    /// Take a drained node back into service
    Resume(ResumeArguments),
}

/// Where the node is.
#[derive(Args, Debug)]
pub(in crate::cli) struct AdminAddress {
    /// The address of the node's admin service, as 127.0.0.1:7001
    pub(in crate::cli) address: String,
    /// Wait this long for a node that cannot be reached
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration::parse)]
    pub(in crate::cli) wait: Duration,
    /// Print JSON: one object a line, the last of which tells how it ended
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct StatusArguments {
    #[command(flatten)]
    pub(in crate::cli) at: AdminAddress,
    /// Print it again whenever it changes, until Ctrl-C
    #[arg(long)]
    pub(in crate::cli) watch: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct LearnArguments {
    #[command(flatten)]
    pub(in crate::cli) at: AdminAddress,
    /// The bundle, as `straddle bundle` wrote it
    pub(in crate::cli) bundle: PathBuf,
    /// Send it only if it is signed with this public key; with several, with any of them
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) trust: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct NodeUpgradeArguments {
    #[command(flatten)]
    pub(in crate::cli) at: AdminAddress,
    /// The version to go to
    pub(in crate::cli) to: Version,
    /// Also when the node attends a coordinator, which moves it otherwise: the two may then work against each other
    #[arg(long)]
    pub(in crate::cli) anyway: bool,
    #[command(flatten)]
    pub(in crate::cli) first: DrainFirst,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct ReplaceArguments {
    #[command(flatten)]
    pub(in crate::cli) at: AdminAddress,
    /// The release, which is older or newer than the one that runs [default: the newest good one that can run the version]
    #[arg(long, value_name = "VERSION")]
    pub(in crate::cli) release: Option<Version>,
    #[command(flatten)]
    pub(in crate::cli) first: DrainFirst,
}

/// Whether the node is taken out of service for as long as it moves.
#[derive(Args, Debug)]
pub(in crate::cli) struct DrainFirst {
    /// Take the node out of service first, and back into it when it has moved, or has gone back by itself
    #[arg(long)]
    pub(in crate::cli) drain: bool,
    /// Wait this long until nobody is inside; calls that are left then end as in any move [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "drain")]
    pub(in crate::cli) within: Option<Duration>,
}

impl DrainFirst {
    /// How long to wait, if it is to be drained.
    pub(in crate::cli) fn within(&self) -> Option<Duration> {
        self.drain.then(|| self.within.unwrap_or(Duration::from_secs(30)))
    }
}

#[derive(Args, Debug)]
pub(in crate::cli) struct DrainArguments {
    #[command(flatten)]
    pub(in crate::cli) at: AdminAddress,
    /// Wait this long until nobody is inside
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    pub(in crate::cli) within: Duration,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct ResumeArguments {
    #[command(flatten)]
    pub(in crate::cli) at: AdminAddress,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct AbortArguments {
    #[command(flatten)]
    pub(in crate::cli) at: AdminAddress,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct NodeRollbackArguments {
    #[command(flatten)]
    pub(in crate::cli) at: AdminAddress,
    /// Only say what would be lost, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Go back without what cannot be carried back, and write that to this new file, a JSON object a line. The node
    /// writes it into its state folder before it goes back, and keeps it there
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub(in crate::cli) accept_loss: Option<PathBuf>,
    /// Also when the node attends a coordinator, which moves it otherwise: the two may then work against each other
    #[arg(long)]
    pub(in crate::cli) anyway: bool,
    #[command(flatten)]
    pub(in crate::cli) first: DrainFirst,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct NodeFinalizeArguments {
    #[command(flatten)]
    pub(in crate::cli) at: AdminAddress,
    /// Also when the node attends a coordinator, which moves it otherwise: the two may then work against each other
    #[arg(long)]
    pub(in crate::cli) anyway: bool,
}
