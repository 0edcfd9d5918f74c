//! The arguments of `straddle serve-node`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::cli::duration;
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
    /// What is wrong with this release: start, first-call, never-healthy, verify, or after=SECONDS
    #[arg(long = "break", value_name = "HOW")]
    pub(in crate::cli) spoiled: Option<Spoiled>,
    /// The address to listen on, where nobody passes a socket
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) listen: Option<String>,
    /// The address of the admin service, where nobody passes a socket
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) admin: Option<String>,
    /// The folder of the state, where `STRADDLE_STATE` does not say it
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) state: Option<PathBuf>,
    /// How long to wait for the program before to let the state go [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(in crate::cli) wait: Option<Duration>,
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
    /// It crashes so long after it was started.
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
            _ => {
                let seconds = text.strip_prefix("after=").and_then(|seconds| seconds.parse().ok());
                let after = seconds.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
                after
                    .map(Self::After)
                    .ok_or_else(|| "say one of start, first-call, never-healthy, verify, or after=SECONDS".to_owned())
            }
        }
    }
}
