//! How a program ended, and what it tells the system of it.

use std::io::{self, Write};
use std::process::{ExitCode, Termination};

use crate::version::Version;

/// How a program ended. Returned from `main` it is the exit code of the process; what went wrong goes to standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "return it from `main`, for its exit code"]
pub enum Ended {
    /// It was asked to stop, or has taken the state back as it was told. Exit code 0.
    Stopped,
    /// Another program goes on with the node. Exit code 0.
    HandedOver,
    /// The state could not be moved to where it was wanted. It is whole, and of this version: a program that can run it goes on
    /// with it. Exit code 75 (`EX_TEMPFAIL` of `sysexits.h`).
    WentBack {
        /// The version that the state is of.
        version: Version,
        /// Why it was not moved.
        why: String,
    },
    /// The program cannot run what it is told, however often it is started. Exit code 78 (`EX_CONFIG`).
    Unfit(String),
    /// Something failed; starting it again may help. Exit code 1.
    Failed(String),
}

impl Ended {
    /// The exit code.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Stopped | Self::HandedOver => 0,
            Self::WentBack { .. } => 75,
            Self::Unfit(_) => 78,
            Self::Failed(_) => 1,
        }
    }

    /// What went wrong.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Stopped | Self::HandedOver => None,
            Self::WentBack { why, .. } | Self::Unfit(why) | Self::Failed(why) => Some(why),
        }
    }
}

impl Termination for Ended {
    fn report(self) -> ExitCode {
        let mut errors = io::stderr();
        let _ = match &self {
            Self::WentBack { version, why } => {
                writeln!(errors, "error: {why}\n  help: the state is of {version}, and whole")
            }
            _ => self.why().map_or(Ok(()), |why| writeln!(errors, "error: {why}")),
        };
        ExitCode::from(self.code())
    }
}
