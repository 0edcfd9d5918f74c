//! What a node says of itself to its coordinator.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::transport::{Channel, InvalidChannel};

/// What is longest: names, keys and values of labels in bytes, and how many labels there are.
const NAME: usize = 128;
const KEY: usize = 64;
const VALUE: usize = 256;
const LABELS: usize = 32;
/// How often calls are told of at least: no more often than it is worth its while, and no less often than the coordinator counts on.
const TELL_EVERY: RangeInclusive<Duration> =
    Duration::from_millis(500)..=Duration::from_micros(super::core::TELL_EVERY);
/// How long calls of a node that drains may take before it moves.
const DRAIN: Duration = Duration::from_secs(10);

/// The coordinator that a node attends, and what it says there of itself.
#[derive(Clone)]
#[must_use = "give it to `Builder::coordinated`"]
pub struct Coordinated {
    pub(super) url: String,
    pub(super) name: Option<String>,
    pub(super) address: Option<String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) values: Option<Values>,
    pub(super) drain: Duration,
    pub(super) tell_every: Duration,
    pub(super) alone: Option<Duration>,
    pub(super) supervisor: Option<String>,
}

/// What the application reports.
pub(super) type Values = Arc<dyn Fn() -> BTreeMap<String, f64> + Send + Sync>;

impl Coordinated {
    /// A node that attends the coordinator at this address, as `http://127.0.0.1:7300`.
    pub fn by(url: impl Into<String>) -> Self {
        let url = url.into();
        Self {
            url,
            name: None,
            address: None,
            labels: BTreeMap::new(),
            values: None,
            drain: DRAIN,
            tell_every: *TELL_EVERY.end(),
            alone: None,
            supervisor: None,
        }
    }

    /// The same, of another coordinator.
    pub(in crate::node) fn at(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// The same, of a node whose program the supervisor at this address can replace.
    pub(in crate::node) fn supervised(mut self, supervisor: Option<String>) -> Self {
        self.supervisor = supervisor;
        self
    }

    /// The node's name among all of its protocol: at most 128 bytes of letters, digits, `.`, `_`, `-` and `/`. It has to be the
    /// same whenever its program starts. Default: the name of the machine and the port of its callers, as `host-3/7000`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What schedules and gates may ask for, as `zone` or `role`. At most 32; keys at most 64 bytes, values at most 256.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// Where callers reach the node, for people. Default: where it listens.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// What the application reports for gates, as `disk_errors`: asked for at each report. It should give an answer at once.
    pub fn values(mut self, values: impl Fn() -> BTreeMap<String, f64> + Send + Sync + 'static) -> Self {
        self.values = Some(Arc::new(values));
        self
    }

    /// How long running calls may take before the node moves, where an upgrade has nodes drained; never longer than the permit
    /// holds. Default: 10 seconds.
    pub fn drain_limit(mut self, limit: Duration) -> Self {
        self.drain = limit;
        self
    }

    /// How often the coordinator is told at least who calls what: from half a second to 30 seconds. `straddle retire` judges up to
    /// the newest moment that all nodes have told of, so it knows that much earlier that a version is called no more; each batch
    /// costs the coordinator a write. Default: 30 seconds.
    pub fn tell_calls_every(mut self, every: Duration) -> Self {
        self.tell_every = every;
        self
    }

    /// Serves all the same when the coordinator could not be reached for this long since the program was started. Without it a
    /// node that starts while its coordinator is gone waits for it: it may have been away during an upgrade, and others may
    /// count on that nobody serves the version before any more.
    pub fn serve_unadmitted_after(mut self, patience: Duration) -> Self {
        self.alone = Some(patience);
        self
    }

    /// What is wrong with it.
    pub(in crate::node) fn fault(&self) -> Option<String> {
        let named = |name: &str| {
            let fits = |letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter);
            !name.is_empty() && name.len() <= NAME && name.chars().all(fits)
        };
        if let Some(name) = self.name.as_deref().filter(|name| !named(name)) {
            return Some(format!(
                "the node's name {name:?} is none: at most {NAME} letters, digits, `.`, `_`, `-` and `/` are wanted"
            ));
        }
        if self.labels.len() > LABELS {
            return Some(format!("the node has {} labels: there may be {LABELS}", self.labels.len()));
        }
        if !TELL_EVERY.contains(&self.tell_every) {
            let (least, most) = (TELL_EVERY.start(), TELL_EVERY.end());
            return Some(format!(
                "calls are told of each {:?}, and it has to be {least:?} to {most:?}",
                self.tell_every
            ));
        }
        let long = |(key, value): &(&String, &String)| key.is_empty() || key.len() > KEY || value.len() > VALUE;
        if let Some((key, _)) = self.labels.iter().find(long) {
            return Some(format!(
                "the node's label {key:?} is none: keys have 1 to {KEY} bytes, and values at most {VALUE}"
            ));
        }
        self.channel().err().map(|error| format!("the coordinator's address: {error}"))
    }

    /// The way to the coordinator.
    pub(super) fn channel(&self) -> Result<Channel, InvalidChannel> {
        Channel::owner(&self.url)
            .connect_timeout(CONNECT)
            .wait_limit(CONNECT)
            // What is said on a stream is said again on the next one.
            .replay_limit(0)
            .keep_alive(SILENCE, SILENCE)
            .user_agent("straddle-agent")
            .build()
    }

    /// The node's name, where callers reach it at this address.
    pub(super) fn name_at(&self, address: &str) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let port = address.rsplit(':').next().unwrap_or_default();
        let machine = machine();
        let fits = |letter: char| if letter.is_ascii_alphanumeric() || ".-".contains(letter) { letter } else { '_' };
        let machine: String = machine.chars().take(NAME - 8).map(fits).collect();
        format!("{machine}/{port}")
    }
}

#[cfg(unix)]
fn machine() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn machine() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "node".to_owned())
}

/// How long to try to connect, and how long the coordinator may say nothing before it is asked whether it is there.
const CONNECT: Duration = Duration::from_secs(2);
const SILENCE: Duration = Duration::from_secs(10);

impl fmt::Debug for Coordinated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = &self.labels;
        formatter
            .debug_struct("Coordinated")
            .field("url", &self.url)
            .field("name", &self.name)
            .field("labels", labels)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_node_is_bounded_and_readable() {
        let by = || Coordinated::by("http://127.0.0.1:7300");
        for (coordinated, fault) in [
            (by(), None),
            (by().name("zone-a/shop_1.2"), None),
            (by().name(""), Some("name")),
            (by().name("a b"), Some("name")),
            (by().name("n".repeat(129)), Some("name")),
            (by().label("", "a"), Some("label")),
            (by().label("zone", "v".repeat(257)), Some("label")),
            ((0..33).fold(by(), |by, number| by.label(number.to_string(), "")), Some("33 labels")),
            (by().tell_calls_every(Duration::from_millis(499)), Some("499ms")),
            (by().tell_calls_every(Duration::from_millis(500)), None),
            (by().tell_calls_every(Duration::from_secs(31)), Some("30s")),
            (Coordinated::by("nowhere"), Some("address")),
            (Coordinated::by("https://127.0.0.1:7300"), Some("TLS")),
        ] {
            let told = coordinated.fault();
            assert_eq!(told.is_some(), fault.is_some(), "{coordinated:?}: {told:?}");
            assert!(told.unwrap_or_default().contains(fault.unwrap_or_default()), "{coordinated:?}");
        }
    }

    #[test]
    fn a_node_without_a_name_is_called_after_its_machine_and_its_port() {
        let coordinated = Coordinated::by("http://127.0.0.1:7300");
        let name = coordinated.name_at("127.0.0.1:7001");
        assert!(name.ends_with("/7001"), "{name}");
        assert_eq!(coordinated.name(name.clone()).fault(), None, "{name}");
    }
}
