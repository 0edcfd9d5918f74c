//! What a supervisor tells a program.

use std::env::{self, VarError};
use std::path::PathBuf;
use std::time::Duration;

use crate::transport::{Inherited, Notifier};
use crate::version::Version;

/// The environment of a program, as it was when the program began.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) sockets: Result<Inherited, String>,
    pub(super) state: Option<PathBuf>,
    pub(super) directive: Result<Directive, String>,
    pub(super) notifier: Notifier,
    /// How long the program may keep silent.
    pub(super) watchdog: Option<Duration>,
}

/// What the program is to do with the state.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Directive {
    AsItIs,
    RunAt(String),
    BackTo(String),
}

impl Environment {
    pub(super) fn read() -> Self {
        let state = env::var_os("STRADDLE_STATE").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let directive = match (text("STRADDLE_RUN"), text("STRADDLE_BACK")) {
            (Ok(run), Ok(back)) => directive(run.as_deref(), back.as_deref()),
            (Err(why), _) | (_, Err(why)) => Err(why),
        };
        let watchdog = watchdog(text("WATCHDOG_USEC").ok().flatten(), text("WATCHDOG_PID").ok().flatten());
        Self {
            sockets: Inherited::take().map_err(|error| error.to_string()),
            state,
            directive,
            notifier: Notifier::from_env(),
            watchdog,
        }
    }
}

/// A variable that is empty says nothing.
fn text(name: &str) -> Result<Option<String>, String> {
    match env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(format!("{name} is no text in UTF-8")),
    }
}

fn directive(run: Option<&str>, back: Option<&str>) -> Result<Directive, String> {
    match (run, back) {
        (None, None) => Ok(Directive::AsItIs),
        (Some(run), None) => version("STRADDLE_RUN", run).map(Directive::RunAt),
        (None, Some(back)) => version("STRADDLE_BACK", back).map(Directive::BackTo),
        (Some(run), Some(back)) => Err(format!(
            "STRADDLE_RUN is {run} and STRADDLE_BACK is {back}: a program runs a version, or takes the state back to one"
        )),
    }
}

fn version(name: &str, text: &str) -> Result<String, String> {
    let parsed = text.parse::<Version>().map_err(|error| format!("{name} is {text:?}: {error}"))?;
    Ok(parsed.to_string())
}

/// As `sd_watchdog_enabled(3)` says: of another process it may be inherited, too.
fn watchdog(microseconds: Option<String>, process: Option<String>) -> Option<Duration> {
    if process.is_some_and(|process| process != std::process::id().to_string()) {
        return None;
    }
    let microseconds: u64 = microseconds?.parse().ok()?;
    (microseconds > 0).then(|| Duration::from_micros(microseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_runs_a_version_or_goes_back_to_one_and_not_both() {
        assert_eq!(directive(None, None), Ok(Directive::AsItIs));
        assert_eq!(directive(Some("2.0.0"), None), Ok(Directive::RunAt("2.0.0".to_owned())));
        assert_eq!(directive(None, Some("1.0.0")), Ok(Directive::BackTo("1.0.0".to_owned())));
        assert!(directive(Some("2.0.0"), Some("1.0.0")).is_err());
    }

    #[test]
    fn the_watchdog_of_another_process_is_none_of_ours() {
        let own = std::process::id().to_string();
        let second = || Some("1000000".to_owned());
        assert_eq!(watchdog(second(), None), Some(Duration::from_secs(1)));
        assert_eq!(watchdog(second(), Some(own)), Some(Duration::from_secs(1)));
        assert_eq!(watchdog(second(), Some("1".to_owned())), None);
        assert_eq!(watchdog(Some("0".to_owned()), None), None);
        assert_eq!(watchdog(None, None), None);
    }
}
