//! The arguments of `straddle coordinator`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::duration;

#[derive(Args, Debug)]
#[command(
    after_help = "The first line on standard output ends with the address, once agents and operators can come. Then each change \
is told in a line on standard error. SIGTERM and Ctrl-C stop it; a second one stops it at once. Calls between nodes do not \
need it: they go on. Whatever ends it, started again on the same folder it goes on where it was.

Exit codes: 0 when it was stopped; 1 when it cannot listen, or cannot go on with what is in the folder; 2 when the arguments \
are bad.

Examples:
  straddle coordinator --data /var/lib/straddle --trust release.pub
  straddle coordinator --listen 127.0.0.1:0 --data coordinator --allow-unsigned"
)]
pub(in crate::cli) struct CoordinatorArguments {
    /// The address to listen on, for agents and operators; port 0 takes a free one. Nobody is authenticated there, so it has to be
    /// a loopback address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7300")]
    pub(in crate::cli) listen: String,
    /// The folder of the upgrade database; it is made where it is missing
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) data: PathBuf,
    /// Take bundles that are signed with this public key; with several, with any of them
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) trust: Vec<PathBuf>,
    /// Take bundles that nobody has signed, too: whoever reaches the address can publish then
    #[arg(long)]
    pub(in crate::cli) allow_unsigned: bool,
    /// How often nodes report at least; one that is silent three times as long is away
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration::parse)]
    pub(in crate::cli) report_every: Duration,
    /// How long a permit holds, on the node's clock from when it asked
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    pub(in crate::cli) permit_within: Duration,
    /// Most agents at once; each takes a connection, and so an open file
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000)]
    pub(in crate::cli) most_agents: usize,
    /// Stop when standard input ends
    #[arg(long, hide = true)]
    pub(in crate::cli) until_stdin_ends: bool,
}
