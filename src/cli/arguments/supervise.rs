//! The arguments of `straddle supervise`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::duration;
use crate::version::Version;

#[derive(Args, Debug)]
#[command(after_help = "The supervisor keeps the listening socket and passes it to its program as systemd does \
(sd_listen_fds(3)); the program says how it is doing as it would say systemd (sd_notify(3)). Its admin service is that of a \
node: `straddle node status`, `upgrade`, `rollback` and the rest take its address.

It starts a release only when the program has the digest of its manifest (`straddle release`). A program that crashes is \
started again, later each time. A new release that crashes too often, or is not ready in time, is given up: the release \
before goes on.

Signals: SIGTERM and SIGINT stop the program, then the supervisor. SIGUSR2 makes the supervisor start its own program file \
anew, in the same process, while the node's program goes on serving: that is how the supervisor itself is upgraded.

DIR/supervisor is its own; DIR/node is the node's state. Sockets that systemd has passed are used in the place of --listen \
and, by the name `admin`, of --admin.

Exit codes: 0 when it was stopped, 1 when it cannot go on, 2 when the arguments are bad.

Examples:
  straddle supervise --state /var/lib/shop --listen 0.0.0.0:7000 -- ./releases/{version}/server
  straddle supervise --state state --listen 127.0.0.1:7000 --admin 127.0.0.1:7001 -- ./releases/{version}/server --verbose")]
pub(in crate::cli) struct SuperviseArguments {
    /// The folder of the supervisor's state and the node's
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) state: PathBuf,
    /// The address for callers; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) listen: Option<String>,
    /// The address of the admin service, a loopback address: nobody is authenticated there
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(in crate::cli) admin: String,
    /// The release to begin with; after that, what is written down counts [default: the newest]
    #[arg(long, value_name = "VERSION")]
    pub(in crate::cli) release: Option<Version>,
    /// How long a program may take, from its start or its last word, until it is ready
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    pub(in crate::cli) ready_limit: Duration,
    /// How long a program may take to end once it was asked to
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    pub(in crate::cli) stop_limit: Duration,
    /// How long a program may say nothing while it serves: one that has said WATCHDOG=1, and says so no more, is killed and started
    /// again; or `off`
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = watchdog)]
    pub(in crate::cli) watchdog: Watchdog,
    /// So many crashes of a new release lead back to the release before
    #[arg(long, value_name = "NUMBER", default_value = "3", value_parser = clap::value_parser!(u16).range(1..))]
    pub(in crate::cli) crashes: u16,
    /// Within this time; a release that has served for as long is good
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    pub(in crate::cli) crash_window: Duration,
    /// The first wait before a program is started again; it doubles, up to 30s
    #[arg(long, value_name = "DURATION", default_value = "100ms", value_parser = duration::parse)]
    pub(in crate::cli) first_wait: Duration,
    /// The coordinator that the program attends, as 127.0.0.1:7300: it is told so. The coordinator then says when the
    /// program is replaced by one that can run a newer version
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) coordinator: Option<String>,
    /// The node's name there, which stays the same [default: the machine's name and the port]
    #[arg(long, value_name = "NAME", requires = "coordinator")]
    pub(in crate::cli) node: Option<String>,
    /// A label for schedules and gates, as zone=a; may be given several times
    #[arg(long, value_name = "KEY=VALUE", requires = "coordinator", value_parser = super::coordinated::label)]
    pub(in crate::cli) label: Vec<(String, String)>,
    /// What the jitter of these waits begins with [default: random, and printed]
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) seed: Option<u64>,
    /// Print what happens as JSON, an object a line
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// Stop when standard input ends, too: whoever started us is gone then
    #[arg(long, hide = true)]
    pub(in crate::cli) until_stdin_ends: bool,
    /// The program, whose path holds {version}, and its arguments; {version} is the release
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub(in crate::cli) program: Vec<OsString>,
}

/// How long a program may say nothing, if it has to say anything.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Watchdog(pub(in crate::cli) Option<Duration>);

fn watchdog(text: &str) -> Result<Watchdog, String> {
    if text == "off" { Ok(Watchdog(None)) } else { duration::parse(text).map(|limit| Watchdog(Some(limit))) }
}
