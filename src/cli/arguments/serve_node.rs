//! The arguments of `straddle serve-node`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::cli::duration;
use crate::state::Mode;
use crate::version::Version;

#[derive(Args, Debug)]
#[command(
    after_help = "It stands for a release of a service: a program that can run exactly these versions as current, and is \
told the rest by its supervisor (LISTEN_FDS, NOTIFY_SOCKET, STRADDLE_STATE, STRADDLE_RUN, STRADDLE_BACK).

Exit codes: 0 when it was stopped, or has handed over; 75 when a move failed and the state is back; 78 when it cannot run \
what it is told to; 1 otherwise."
)]
pub(in crate::cli) struct ServeNodeArguments {
    /// The versions that the program can run, the oldest first: adjacent ones of 1.1.0, 2.0.0 and 3.0.0
    #[arg(long, value_name = "VERSION", value_delimiter = ',', required = true)]
    pub(in crate::cli) runs: Vec<Version>,
    /// How items are carried over: eager, online or lazy
    #[arg(long, value_name = "MODE", default_value = "online", value_parser = mode)]
    pub(in crate::cli) carry: Mode,
    /// What is wrong with this release: start, first-call, never-healthy, verify, never-back, or after=SECONDS
    #[arg(long = "break", value_name = "HOW")]
    pub(in crate::cli) spoiled: Option<Spoiled>,
    /// Learn bundles that this public key has signed; given again, another one's, too
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) trust: Vec<PathBuf>,
    /// The address to listen on, where nobody passes a socket
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) listen: Option<String>,
    /// The address of the admin service, where nobody passes a socket
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) admin: Option<String>,
    /// The folder of the state, where `STRADDLE_STATE` does not say it
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) state: Option<PathBuf>,
    /// How long running calls may take, while other callers wait, before a move is given up [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(in crate::cli) call_limit: Option<Duration>,
    /// How long streams may go on before a move, while other callers are served [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(in crate::cli) stream_limit: Option<Duration>,
    /// How long streams that began later may go on, while other callers wait [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(in crate::cli) stream_grace: Option<Duration>,
    /// How long to wait for the program before to let the state go [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(in crate::cli) wait: Option<Duration>,
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "eager" => Ok(Mode::Eager),
        "online" => Ok(Mode::Online),
        "lazy" => Ok(Mode::Lazy),
        _ => Err("say one of eager, online or lazy".to_owned()),
    }
}

/// What is wrong with a release that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Spoiled {
    /// It crashes before it does anything.
    Start,
    /// It crashes at the first call of a caller.
    FirstCall,
    /// The object of its newest version never opens.
    NeverHealthy,
    /// Its newest version finds itself not sane.
    Verify,
    /// The reverse function of its newest version, which is 3.0.0, never comes to an end.
    NeverBack,
    /// It crashes so long after it was ready.
    After(Duration),
}

impl FromStr for Spoiled {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "start" => Ok(Self::Start),
            "first-call" => Ok(Self::FirstCall),
            "never-healthy" => Ok(Self::NeverHealthy),
            "verify" => Ok(Self::Verify),
            "never-back" => Ok(Self::NeverBack),
            _ => {
                let seconds = text.strip_prefix("after=").and_then(|seconds| seconds.parse().ok());
                let after = seconds.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
                after.map(Self::After).ok_or_else(|| {
                    "say one of start, first-call, never-healthy, verify, never-back, or after=SECONDS".to_owned()
                })
            }
        }
    }
}
