//! The arguments of `straddle barrier`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::duration;
use crate::version::Version;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 when all nodes have switched; 1 when it ended before the word, and nothing has changed; 2 \
when the arguments are bad; 3 when some nodes are left behind, which are listed, and serve their version.

Examples:
  straddle barrier 127.0.0.1:7001 127.0.0.1:7011 127.0.0.1:7021 --to 3.0.0
  straddle barrier --resume straddle-barrier-3.0.0.json"
)]
pub(in crate::cli) struct BarrierArguments {
    /// The addresses of the nodes' admin services, as 127.0.0.1:7001
    #[arg(value_name = "ADDRESS", required_unless_present = "resume", conflicts_with = "resume")]
    pub(in crate::cli) addresses: Vec<String>,
    /// The version to go to
    #[arg(long, value_name = "VERSION", required_unless_present = "resume", conflicts_with = "resume")]
    pub(in crate::cli) to: Option<Version>,
    /// Have nodes wait this long for the word, from when they begin to prepare; then they go back by themselves
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = within, conflicts_with = "resume")]
    pub(in crate::cli) within: Duration,
    /// Write what is decided to this new file, which is gone once all have switched [default: straddle-barrier-VERSION.json]
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub(in crate::cli) record: Option<PathBuf>,
    /// Go on from the file of a run that was killed, or left nodes behind: before its decision everything is taken back, after it all
    /// are told
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) resume: Option<PathBuf>,
    /// Try this long to bring over the nodes that the word did not reach
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    pub(in crate::cli) retry: Duration,
    /// Wait this long for a node that cannot be reached
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration::parse)]
    pub(in crate::cli) wait: Duration,
    /// Also when nodes attend a coordinator, which moves them otherwise: the two may then work against each other
    #[arg(long, conflicts_with = "resume")]
    pub(in crate::cli) anyway: bool,
    /// Print JSON: one object a line, the last of which tells how it ended
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// Wait for a line on standard input before the decision, and before the word, for those who want to see what becomes of
    /// it then
    #[arg(long, hide = true)]
    pub(in crate::cli) stepwise: bool,
}

/// Nodes wait for a day at most.
fn within(text: &str) -> Result<Duration, String> {
    let day = Duration::from_secs(24 * 60 * 60);
    duration::parse(text).and_then(|within| if within <= day { Ok(within) } else { Err("24h at most".to_owned()) })
}
