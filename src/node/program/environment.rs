//! What a supervisor tells a program.

use std::env::{self, VarError};
use std::path::PathBuf;
use std::time::Duration;

use crate::node::Coordinated;
use crate::transport::{Inherited, Notifier};
use crate::version::Version;

/// The environment of a program, as it was when the program began.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) sockets: Result<Inherited, String>,
    pub(super) state: Option<PathBuf>,
    pub(super) directive: Result<Directive, String>,
    pub(super) coordinated: Result<Told, String>,
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
            coordinated: Told::read(),
            notifier: Notifier::from_env(),
            watchdog,
        }
    }
}

/// What a program is told of its coordinator.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    coordinator: Option<String>,
    node: Option<String>,
    labels: Vec<(String, String)>,
    /// Where the supervisor is told what to do.
    supervisor: Option<String>,
}

impl Told {
    fn read() -> Result<Self, String> {
        // Not STRADDLE_COORDINATOR: operators have that in their shells, where a node must not take it for its own.
        let (coordinator, node) = (text("STRADDLE_ATTEND")?, text("STRADDLE_NODE")?);
        let labels = labels(text("STRADDLE_LABELS")?.as_deref())?;
        Ok(Self { coordinator, node, labels, supervisor: text("STRADDLE_SUPERVISOR")? })
    }

    /// The coordinator that there is then; what the program says itself holds where nothing else is told.
    pub(super) fn apply(self, own: Option<Coordinated>) -> Option<Coordinated> {
        let coordinated = match (own, self.coordinator) {
            (Some(own), Some(url)) => own.at(url),
            (None, Some(url)) => Coordinated::by(url),
            (own, None) => own?,
        };
        let coordinated = coordinated.supervised(self.supervisor);
        let coordinated = match self.node {
            Some(node) => coordinated.name(node),
            None => coordinated,
        };
        Some(self.labels.into_iter().fold(coordinated, |coordinated, (key, value)| coordinated.label(key, value)))
    }
}

fn labels(text: Option<&str>) -> Result<Vec<(String, String)>, String> {
    let labels = text.unwrap_or_default().split(',').filter(|label| !label.trim().is_empty());
    labels
        .map(|label| match label.split_once('=') {
            Some((key, value)) => Ok((key.trim().to_owned(), value.trim().to_owned())),
            None => Err(format!("STRADDLE_LABELS has {label:?}: KEY=VALUE is wanted, as zone=a,role=front")),
        })
        .collect()
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
    fn labels_are_keys_and_values() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(labels(None), Ok(vec![]));
        assert_eq!(labels(Some("zone=a, role=front,")), Ok(vec![pair("zone", "a"), pair("role", "front")]));
        assert_eq!(labels(Some("note=a=b")), Ok(vec![pair("note", "a=b")]));
        assert!(labels(Some("zone")).is_err());
    }

    #[test]
    fn a_program_attends_the_coordinator_that_it_is_told_under_the_name_that_it_is_told() {
        let told = |coordinator: Option<&str>| Told {
            coordinator: coordinator.map(str::to_owned),
            node: Some("a-1".to_owned()),
            labels: vec![("zone".to_owned(), "b".to_owned())],
            supervisor: None,
        };
        assert!(told(None).apply(None).is_none());
        let own = || Some(Coordinated::by("http://own:1").name("own").label("zone", "a").label("role", "front"));
        for (own, told, expected) in [
            (
                None,
                told(Some("http://told:2")),
                r#"Coordinated { url: "http://told:2", name: Some("a-1"), labels: {"zone": "b"}, .. }"#,
            ),
            (
                own(),
                told(None),
                r#"Coordinated { url: "http://own:1", name: Some("a-1"), labels: {"role": "front", "zone": "b"}, .. }"#,
            ),
            (
                own(),
                told(Some("http://told:2")),
                r#"Coordinated { url: "http://told:2", name: Some("a-1"), labels: {"role": "front", "zone": "b"}, .. }"#,
            ),
        ] {
            assert_eq!(format!("{:?}", told.apply(own).unwrap()), expected);
        }
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
