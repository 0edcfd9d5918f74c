//! The arguments, as data.

mod add;
mod barrier;
mod bundle;
mod check;
mod completions;
mod coordinated;
mod coordinator;
mod db;
mod inspect;
mod keygen;
mod node;
mod operator;
mod pass_sockets;
mod release;
mod retire;
mod schedule;
mod serve_node;
mod supervise;
#[cfg(test)]
mod tests;
mod upgrade;
mod verify;

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub(super) use self::add::AddArguments;
pub(super) use self::barrier::BarrierArguments;
pub(super) use self::bundle::{BundleArguments, StepName};
pub(super) use self::check::{CategoryName, CheckArguments, CheckFormat, FailOn};
pub(super) use self::completions::CompletionsArguments;
pub(super) use self::coordinated::CoordinatedArguments;
pub(super) use self::coordinator::CoordinatorArguments;
pub(super) use self::db::{DbArguments, DbCommand, DbExportArguments, DbImportArguments};
pub(super) use self::inspect::InspectArguments;
pub(super) use self::keygen::KeygenArguments;
pub(super) use self::node::{
    AdminAddress, Directive, DrainArguments, LearnArguments, NodeArguments, NodeFinalizeArguments,
    NodeRollbackArguments, NodeUpgradeArguments, ResumeArguments, StatusArguments,
};
pub(super) use self::operator::{
    CallersArguments, CoordinatorAddress, EventsArguments, ForgetArguments, NodesArguments, NodesDirective,
    PlanArguments, PublishArguments, VersionsArguments, WantedUpgrade,
};
pub(super) use self::pass_sockets::PassSocketsArguments;
pub(super) use self::release::ReleaseArguments;
pub(super) use self::retire::{DeprecateArguments, RetireArguments, UnretireArguments};
pub(super) use self::serve_node::{ServeNodeArguments, Spoiled};
pub(super) use self::supervise::SuperviseArguments;
pub(super) use self::upgrade::{
    Named, StartArguments, UpgradeArguments, UpgradeDirective, UpgradeStatusArguments, Watch, WhichUpgrade,
};
pub(super) use self::verify::VerifyArguments;
use super::call::{Header, LabelledProtocol};
use super::convert::{Format, UsedAs};
use super::duration;
use crate::version::Version;

/// Straddle: run several incompatible versions of a protocol at once
#[derive(Debug, Parser)]
#[command(
    name = "straddle",
    version,
    max_term_width = 100,
    after_help = "What happens is logged on standard error, warnings and errors without more. STRADDLE_LOG says how much: off, error, \
warn, info, debug or trace, and of other crates by name, as STRADDLE_LOG=debug,h2=debug. STRADDLE_LOG_FORMAT=json makes each \
line a JSON object."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run callers of every version against nodes of every version, with an auditor
    #[command(
        after_help = "Exit codes: 0 when nothing failed, nothing was wrong, and every stage was reached; 1 otherwise; 130 after
Ctrl-C, unless that ends --keep.

Examples:
  straddle demo
  straddle demo --slow --keep"
    )]
    Demo(DemoArguments),
    /// Call a method of any version of a node, with JSON
    ///
    /// The response goes to standard output; the versions, errors and refusals go to standard error. A method that streams
    /// responses prints each as one line of JSON, as it comes. A method that streams requests reads each from one line of
    /// JSON on standard input, as it comes.
    ///
    /// Exit codes: 0 when the call went well, 1 when it failed or was refused, 2 when the arguments or the data are bad.
    Call(CallArguments),
    /// Convert messages from one version to another, without a node
    ///
    /// Any two versions will do, one after the other in either order; within one version the message is checked and
    /// written anew. A message that the other version cannot express is refused, as it is between a caller and a node.
    ///
    /// Exit codes: 0 when all was converted, 1 when the input is no such message or something else failed, 2 when the
    /// arguments are bad, 3 when a message was refused and nothing else was wrong.
    Convert(ConvertArguments),
    /// Print a protocol's versions and steps and, for a node, its routes
    Show(ShowArguments),
    /// Say what each change between versions means: compatible, bridged, refused or open
    Check(CheckArguments),
    /// Take the working protos into a protocol as a new version, and draft its step.toml
    Add(AddArguments),
    /// Try a protocol's rules on generated messages
    ///
    /// Messages of each type that a method uses or that may be stored are made at random and at the edges of their types,
    /// with fields that their version does not know. Each goes from each version to each other one, and has to come out
    /// as a message of that version, the same as a plain interpreter of the rules makes of it, the same step by step as
    /// at once, and across one step and back as it was, but for what the rules declare. A message that fails is cut down
    /// to a small one that fails in the same way. Ctrl-C ends the run and prints what it has found so far. Calls that
    /// code answers, and what a step leaves open, are named and not tried.
    ///
    /// Exit codes: 0 when all that was tried is well, 1 when a counterexample was found or nothing could be tried, 2 when
    /// the arguments are bad, 130 after Ctrl-C when nothing was found until then.
    Verify(VerifyArguments),
    /// Write a step, or a whole protocol, as one file
    Bundle(BundleArguments),
    /// Print what a bundle holds
    Inspect(InspectArguments),
    /// Make a pair of keys for signing bundles
    Keygen(KeygenArguments),
    /// Ask a single running node how it is doing, upgrade it, and take it back
    Node(NodeArguments),
    /// Write the manifest of a release: its program's digest, and the versions that it can run
    Release(ReleaseArguments),
    /// Run a node's program: keep its sockets, start it again when it crashes, and replace it for upgrades
    Supervise(SuperviseArguments),
    /// Upgrade several running nodes at one word: none switches before all are prepared
    ///
    /// First everything that can be done while callers are served is done on all nodes at once. When one of them cannot be
    /// prepared, all go back, and nothing has changed. When all are prepared, the decision is written into a file, and then all
    /// are told to switch. Not all need to: a node that the word does not reach in time refuses it, and goes on serving its
    /// version; callers of the other version are served under simulation. Such stragglers are listed and tried again.
    ///
    /// Ctrl-C before the decision takes everything back; after it the word is still given to all.
    Barrier(BarrierArguments),
    /// Run the coordinator: it knows which versions and nodes there are, and has a fleet move itself
    Coordinator(CoordinatorArguments),
    /// Publish a protocol's versions at the coordinator, for all nodes that need them
    Publish(PublishArguments),
    /// List the versions that were published
    Versions(VersionsArguments),
    /// Move a whole fleet to a version, and take it back, by the coordinator
    ///
    /// The coordinator gives each node a permit when the schedule lets it go and nobody would lose by it. A single node is
    /// moved, without a coordinator, with `straddle node upgrade`; several at one word with `straddle barrier`.
    Upgrade(UpgradeArguments),
    /// Say what an upgrade would do, in which order, and what would block it
    Plan(Box<PlanArguments>),
    /// List the nodes that the coordinator knows, and have it forget those that are gone
    Nodes(NodesArguments),
    /// Tell who calls which version and method, how often, and when last
    Callers(CallersArguments),
    /// Announce to callers of a version that it will be retired, and refuse them now and then to find those who have not heard
    ///
    /// Responses say `deprecation` (RFC 9745) and, with --sunset, `sunset` (RFC 8594). What counts for a version counts for all
    /// older ones.
    Deprecate(DeprecateArguments),
    /// Serve a version, and all older ones, no longer
    ///
    /// Only once the census knows, of every node and without a gap, that nobody has called them for the guard time; else it says who
    /// does, and what is not known. Their callers are then told RETIRED, with the versions that are served.
    Retire(RetireArguments),
    /// Serve all versions of a protocol again
    Unretire(UnretireArguments),
    /// Tell who did what when, and why a node waits
    Events(EventsArguments),
    /// Print what a shell completes commands with
    Completions(CompletionsArguments),
    /// Export and import a coordinator's database
    Db(DbArguments),
    /// Run one node of the inventory, the example protocol
    ServeExample(ServeExampleArguments),
    /// Run the inventory as a service's own program, under a supervisor, for tests of upgrades by restart
    #[command(hide = true)]
    ServeNode(ServeNodeArguments),
    /// Tell a program in the place of this one which sockets it inherits, as systemd does
    #[command(hide = true)]
    PassSockets(PassSocketsArguments),
}

#[derive(Args, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    clippy::doc_markdown,
    reason = "each is a switch, and this is the text of --help"
)]
#[command(after_help = "Examples:
  straddle call 127.0.0.1:7000 inventory@1.0.0 --list
  straddle call 127.0.0.1:7000 inventory@1.0.0 GetItem '{\"sku\":\"a\"}'
  straddle call 127.0.0.1:7000 inventory@2.0.0 ImportItems @items.jsonl
  straddle call 127.0.0.1:7000 inventory@3.0.0 WatchItems --limit 10 --json")]
pub(super) struct CallArguments {
    /// The node's address, as 127.0.0.1:7000
    pub(super) address: String,
    /// The protocol and the label, as inventory@1.0.0; without @VERSION the call carries no label
    #[arg(value_name = "PROTOCOL[@VERSION]")]
    pub(super) protocol: LabelledProtocol,
    /// The method (--list shows them): GetItem, Inventory/GetItem, or its full name, as inventory.v1.Inventory/GetItem
    #[arg(required_unless_present_any = ["list", "describe"])]
    pub(super) method: Option<String>,
    /// The request in JSON; @FILE reads a file, - reads standard input [default: {}, and standard
    /// input for a method that streams requests, one a line]
    pub(super) data: Option<String>,
    /// Take the schema from the protocol's folder, or from a folder of such folders, instead of asking the node
    #[arg(long, value_name = "DIR")]
    pub(super) schemas: Option<PathBuf>,
    /// Send this metadata, too; the value of a name that ends with -bin is base64
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(super) headers: Vec<Header>,
    /// Say who calls (straddle-caller), as billing
    #[arg(long, value_name = "NAME")]
    pub(super) caller: Option<String>,
    /// Give the call up after this time, as 500ms, 5s or 2m [default: 30s, and none when it streams]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(super) timeout: Option<Duration>,
    /// Wait this long for a node that cannot be reached
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration::parse)]
    pub(super) wait: Duration,
    /// Stop after this many responses of a stream
    #[arg(long, value_name = "NUMBER")]
    pub(super) limit: Option<NonZeroU64>,
    /// Print fields that have their default value, too
    #[arg(long)]
    pub(super) emit_defaults: bool,
    /// Print each response on one line [default, unless it goes to a terminal]
    #[arg(long, conflicts_with = "pretty")]
    pub(super) compact: bool,
    /// Print responses over several lines
    #[arg(long)]
    pub(super) pretty: bool,
    /// Print versions, headers, trailers and status, too, all as JSON on standard output
    #[arg(long)]
    pub(super) json: bool,
    /// List the methods of that version instead of calling one
    #[arg(long, conflicts_with_all = ["method", "describe"])]
    pub(super) list: bool,
    /// Print a method's request and response instead of calling it
    #[arg(long, value_name = "METHOD", conflicts_with = "method")]
    pub(super) describe: Option<String>,
}

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch")]
#[command(after_help = "Examples:
  straddle convert schemas/inventory --from 1.0.0 --to 1.1.0 --message inventory.v1.Item < item.json
  straddle convert schemas/inventory --from 1.0.0 --to 1.1.0 --message Item --lines items.jsonl -o new.jsonl
  straddle convert schemas/inventory --from 2.0.0 --to 3.0.0 --message Item --explain item.json
  straddle convert schemas/inventory --in envelope --to 3.0.0 --out envelope < old.bin > new.bin")]
pub(super) struct ConvertArguments {
    /// The protocol's folder, such as schemas/inventory
    pub(super) folder: PathBuf,
    /// The file that holds the message [default: standard input]
    pub(super) file: Option<PathBuf>,
    /// The version that the message is in; an envelope says it itself
    #[arg(long, value_name = "VERSION")]
    pub(super) from: Option<Version>,
    /// The version that it is wanted in
    #[arg(long, value_name = "VERSION")]
    pub(super) to: Version,
    /// The message's name in --from, as inventory.v1.Item, or just Item; an envelope says it itself
    #[arg(long, value_name = "NAME")]
    pub(super) message: Option<String>,
    /// The format of the input
    #[arg(long = "in", value_name = "FORMAT", default_value = "json")]
    pub(super) input_format: Format,
    /// The format of the output
    #[arg(long = "out", value_name = "FORMAT", default_value = "json")]
    pub(super) output_format: Format,
    /// What the message is used for: steps may treat what is lost differently [default: request, and
    /// stored for an envelope]
    #[arg(long = "as", value_name = "USE")]
    pub(super) used: Option<UsedAs>,
    /// Convert JSON, one message a line. A line that is refused becomes
    /// {"refuse": {"path", "why", "advice", "reason", "line"}}, one that is no such message
    /// {"error": {"line", "what"}}; empty lines are passed over
    #[arg(long, conflicts_with_all = ["explain", "pretty"])]
    pub(super) lines: bool,
    /// Say what became of each field, and by which rule, instead of writing the message; with --output
    /// both
    #[arg(long)]
    pub(super) explain: bool,
    /// Explain in JSON
    #[arg(long, requires = "explain")]
    pub(super) json: bool,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Write fields that have their default value, too
    #[arg(long)]
    pub(super) emit_defaults: bool,
    /// Write the message on one line [default, unless it goes to a terminal]
    #[arg(long, conflicts_with = "pretty")]
    pub(super) compact: bool,
    /// Write the message over several lines
    #[arg(long)]
    pub(super) pretty: bool,
}

#[derive(Args, Debug)]
pub(super) struct ShowArguments {
    /// The protocol's folder, such as schemas/inventory
    pub(super) folder: PathBuf,
    /// Print the routes of a node that runs this version, too
    #[arg(long, value_name = "VERSION")]
    pub(super) node: Option<Version>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct ServeExampleArguments {
    /// The version that the node runs: 1.1.0, 2.0.0 or 3.0.0; with --state, that which a new state begins at
    #[arg(long, default_value = "2.0.0")]
    pub(super) version: Version,
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7000")]
    pub(super) listen: String,
    /// The address of the admin service, which `straddle node` calls; port 0 takes a free one. Nobody is authenticated there,
    /// so it has to be a loopback address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(super) admin: String,
    /// Learn bundles that are signed with this public key; without it the node learns nothing
    #[arg(long, value_name = "KEY")]
    pub(super) trust: Vec<PathBuf>,
    /// The folder of the node's state, with which it can be upgraded; without it the state goes away with the
    /// node, and the node stays at its version
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
    #[command(flatten)]
    pub(super) coordinated: CoordinatedArguments,
    /// Know no version beyond this one, as a program that was built when it was the newest
    #[arg(long, hide = true, value_name = "VERSION", requires = "state")]
    pub(super) knows_up_to: Option<Version>,
    /// Stop when standard input ends
    #[arg(long, hide = true)]
    pub(super) until_stdin_ends: bool,
    /// Take at least this long to transform the state to 3.0.0, for those who want to see what becomes of it
    #[arg(long, hide = true, value_name = "DURATION", value_parser = duration::parse)]
    pub(super) transform_for: Option<Duration>,
    /// How long younger streams may go on when the node moves, while other callers wait [default: 1s]
    #[arg(long, hide = true, value_name = "DURATION", value_parser = duration::parse)]
    pub(super) stream_grace: Option<Duration>,
}

#[derive(Args, Debug)]
pub(super) struct DemoArguments {
    /// Have nodes move each in a way of its own, told one by one, instead of by a coordinator
    #[arg(long)]
    pub(super) ways: bool,
    /// Leave everything running at the end, with callers, to look around in until Ctrl-C, and tell what to try
    #[arg(long, conflicts_with = "ways")]
    pub(super) keep: bool,
    /// Take a minute more, so that one can watch: stay for a while with what was reached
    #[arg(long, conflicts_with = "ways")]
    pub(super) slow: bool,
    /// How long the callers call at least, in seconds
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) seconds: u64,
    /// Write the table as JSON, too
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Repeat the choices of a run that printed this seed
    #[arg(long)]
    pub(super) seed: Option<u64>,
}
