//! What the supervisor tells of its work, for people and for scripts.

use std::fmt;
use std::net::SocketAddr;

use serde::Serialize;

use crate::version::Version;

/// Something that has happened. As JSON, an object whose `event` names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum News {
    /// The supervisor has its sockets. The first news.
    Listening {
        /// Where callers come.
        callers: SocketAddr,
        /// Where the admin service is.
        admin: SocketAddr,
        /// What the waits before programs are started again begin with.
        seed: u64,
    },
    /// A program of the supervisor before serves on.
    Adopted {
        /// Its release.
        release: Version,
        /// Its process.
        process: u32,
    },
    /// A program of the supervisor before is ended, which may take as long as the next news take to come.
    Removed {
        /// Its process.
        process: u32,
        /// Why it could not go on.
        why: String,
    },
    /// A program was started.
    Started {
        /// Its release.
        release: Version,
        /// The version that it is to run, or to take the state back to.
        version: Version,
        /// Whether it is to take the state back, and to end then.
        back: bool,
        /// Its process.
        process: u32,
    },
    /// A program accepts callers.
    Ready {
        /// Its release.
        release: Version,
        /// The version that it runs.
        version: Version,
    },
    /// A program has ended, or could not be started.
    Ended {
        /// Its release.
        release: Version,
        /// How.
        how: String,
    },
    /// A program is started after a while.
    Waiting {
        /// How long, in milliseconds.
        milliseconds: u64,
        /// Crashes that count.
        crashes: usize,
    },
    /// A release that is newer than the one that is taken, and cannot be used.
    PassedOver {
        /// The release.
        release: Version,
        /// Which file, what is wrong with it, and what to do.
        why: String,
    },
    /// A move has begun.
    Moving {
        /// The release that it leads to.
        release: Version,
        /// And its version.
        version: Version,
        /// Whether it is a rollback.
        back: bool,
    },
    /// The program before has let the state go: callers wait for this one.
    Awaited {
        /// The release.
        release: Version,
        /// How long it may say nothing before it is given up, in milliseconds.
        milliseconds: u64,
    },
    /// A move came to its end.
    Moved {
        /// The release that runs now.
        release: Version,
        /// And its version.
        version: Version,
    },
    /// A move failed.
    Failed {
        /// Why.
        why: String,
    },
    /// The program goes on in a new process of the supervisor, which has its sockets.
    Anew,
    /// All programs have ended.
    Stopped,
}

impl fmt::Display for News {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening { callers, admin, seed } => {
                // Scripts read both addresses from the ends of the first two lines.
                write!(
                    formatter,
                    "callers come to {callers}\nits admin service, for straddle node, is on {admin}\n\
                     waits before a program is started again begin with seed {seed}"
                )
            }
            Self::Adopted { release, process } => {
                write!(formatter, "process {process} of release {release} serves on from before")
            }
            Self::Removed { process, why } => write!(formatter, "process {process} from before is ended: {why}"),
            Self::Started { release, version, back: false, process } => {
                write!(formatter, "started release {release} for version {version}: process {process}")
            }
            Self::Started { release, version, back: true, process } => {
                write!(formatter, "started release {release} to take the state back to {version}: process {process}")
            }
            Self::Ready { release, version } => write!(formatter, "release {release} serves at version {version}"),
            Self::Ended { release, how } => write!(formatter, "release {release}: {how}"),
            Self::Waiting { milliseconds, crashes } => {
                write!(formatter, "starting it again in {milliseconds} ms ({crashes} crashes)")
            }
            Self::PassedOver { release, why } => write!(formatter, "release {release} is passed over: {why}"),
            Self::Moving { release, version, back } => {
                let way = if *back { "back to" } else { "to" };
                write!(formatter, "moving {way} release {release} at version {version}")
            }
            Self::Awaited { release, milliseconds } => write!(
                formatter,
                "callers wait until release {release} is ready: it is given up when it says nothing for {milliseconds} ms \
                 (--ready-limit), or by straddle node abort"
            ),
            Self::Moved { release, version } => write!(formatter, "moved to release {release} at version {version}"),
            Self::Failed { why } => write!(formatter, "the move failed: {why}"),
            Self::Anew => formatter.write_str("the supervisor starts itself anew; its programs go on"),
            Self::Stopped => formatter.write_str("stopped"),
        }
    }
}
