//! What the machine knows of programs, moves and ends.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::version::Version;

/// A release, and the version of the protocol that its program has to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::supervise) struct Run {
    pub(in crate::supervise) release: Version,
    pub(in crate::supervise) version: Version,
}

impl Run {
    /// Goes to another version within the program; what a rollback leads to then.
    pub(in crate::supervise) fn moves(&mut self, version: Version) -> Option<Self> {
        let before = std::mem::replace(&mut self.version, version);
        (before < self.version).then(|| Self { release: self.release.clone(), version: before })
    }
}

impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "release {} at version {}", self.release, self.version)
    }
}

/// From one run to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::supervise) struct Move {
    pub(in crate::supervise) from: Run,
    pub(in crate::supervise) to: Run,
    /// Whether it is a rollback.
    pub(in crate::supervise) back: bool,
    /// Whether a rollback goes on without what cannot be carried back.
    pub(in crate::supervise) accept_loss: bool,
}

/// Back to a run that is known to be good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::supervise) struct Back {
    /// What failed.
    pub(in crate::supervise) from: Run,
    pub(in crate::supervise) to: Run,
    pub(in crate::supervise) why: String,
}

impl Back {
    /// What failed, and why.
    pub(super) fn told(&self) -> String {
        format!("release {}: {}", self.from.release, self.why)
    }

    /// Whether the state may be at a version that only the program that failed can take it back from.
    pub(super) fn needs_newer(&self) -> bool {
        self.from.version > self.to.version
    }
}

/// What is written down, before anything is done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::supervise) struct Record {
    /// What runs, or is to run.
    pub(in crate::supervise) at: Run,
    /// What was seen to be good last.
    pub(in crate::supervise) good: Option<Run>,
    /// What the last upgrade came from; none after a rollback, or once it is final.
    pub(in crate::supervise) before: Option<Run>,
    pub(in crate::supervise) stage: Stage,
    /// Why the last move failed, or the last program ended.
    pub(in crate::supervise) failure: Option<String>,
}

/// What is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::supervise) enum Stage {
    /// What runs is to run.
    Run,
    /// The new program is checked beside the old one.
    Beside(Move),
    /// The old program was told to hand over.
    Handing(Move),
    /// The new program has the state.
    Take(Move),
    /// The newer program takes the state back.
    Back(Back),
    /// The program that is known to be good is started.
    Return(Back),
}

/// What a program that is alone is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Run,
    Take(Move),
    Back(Back),
    Return(Back),
}

impl Doing {
    pub(super) fn launch(&self, at: &Run) -> Launch {
        let (run, told) = match self {
            Self::Run => (at, Told::Run(at.version.clone())),
            Self::Take(moving) => (&moving.to, Told::Run(moving.to.version.clone())),
            Self::Back(back) => (&back.from, Told::Back(back.to.version.clone())),
            Self::Return(back) => (&back.to, Told::Run(back.to.version.clone())),
        };
        Launch { release: run.release.clone(), told }
    }
}

/// How a program is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::supervise) struct Launch {
    pub(in crate::supervise) release: Version,
    pub(in crate::supervise) told: Told,
}

/// What a program is told to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::supervise) enum Told {
    /// Run this version: `STRADDLE_RUN`.
    Run(Version),
    /// Take the state back to this version, and end: `STRADDLE_BACK`.
    Back(Version),
}

/// How a program has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::supervise) enum Exit {
    Code(i32),
    Signal(i32),
    /// It was no child of this process, so nobody knows.
    Unknown,
    /// It could not be started.
    NotStarted(String),
    /// It was not ready in time, and was killed.
    Late,
    /// It ran another version than it was told to, and was killed.
    Other(Version),
    /// Somebody has given the move up, and it was killed.
    Aborted,
}

impl Exit {
    /// Handed over, or asked to stop; of one that goes back: gone back.
    const DONE: i32 = 0;
    /// A move failed. `EX_TEMPFAIL` of `sysexits.h`.
    const FAILED: i32 = 75;
    /// It cannot run what it is told. `EX_CONFIG` of `sysexits.h`.
    const CANNOT: i32 = 78;

    pub(super) fn is_done(&self) -> bool {
        *self == Self::Code(Self::DONE)
    }

    pub(super) fn is_failed(&self) -> bool {
        *self == Self::Code(Self::FAILED)
    }

    /// Whether it has not touched the state.
    pub(super) fn is_cannot(&self) -> bool {
        matches!(self, Self::Code(Self::CANNOT) | Self::NotStarted(_))
    }

    /// Whether starting it again would come to the same.
    pub(super) fn is_hopeless(&self) -> bool {
        matches!(self, Self::Late | Self::Other(_) | Self::Aborted)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(Self::FAILED) => formatter.write_str("the move failed (exit code 75)"),
            Self::Code(Self::CANNOT) => formatter.write_str("it cannot run what it was told to (exit code 78)"),
            Self::Code(code) => write!(formatter, "it ended with exit code {code}"),
            Self::Signal(signal) => write!(formatter, "it was ended by signal {signal}"),
            Self::Unknown => formatter.write_str("it ended, and how is not known"),
            Self::NotStarted(why) => formatter.write_str(why),
            Self::Late => formatter.write_str("it was not ready in time"),
            Self::Aborted => formatter.write_str("somebody has given the move up"),
            Self::Other(version) => write!(formatter, "it ran version {version}, which is not what it was told to"),
        }
    }
}

/// How a move ended: what runs, or why it does not.
pub(in crate::supervise) type Outcome = Result<Run, Failed>;

/// A move that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::supervise) struct Failed {
    pub(in crate::supervise) how: How,
    pub(in crate::supervise) why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::supervise) enum How {
    /// Something else is under way.
    Busy,
    /// The new program cannot run what it is told. Nothing has changed.
    Cannot,
    /// The new program was not prepared. Nothing has changed.
    NotBegun,
    /// The old program did not hand over, and says itself why. Nothing has changed.
    Stayed,
    /// The old program runs again.
    Back,
    /// There is no way back: the new program is started until it runs.
    NoWayBack,
}

impl Failed {
    pub(super) fn busy() -> Self {
        Self { how: How::Busy, why: "another move, or the end of the program before, is under way".to_owned() }
    }
}

/// Limits of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::supervise) struct Limits {
    /// From its start, or its last word, until a program has to be ready.
    pub(in crate::supervise) ready: Duration,
    /// From being asked until a program has to have ended.
    pub(in crate::supervise) stop: Duration,
    /// So many crashes within the window are too many.
    pub(in crate::supervise) crashes: usize,
    /// And a program that was ready for as long is good.
    pub(in crate::supervise) window: Duration,
    /// The first wait before a program is started again.
    pub(in crate::supervise) first_wait: Duration,
    /// The longest.
    pub(in crate::supervise) longest_wait: Duration,
}
