//! What a program tells whoever supervises it, and when.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::ended::Ended;
use super::environment::Environment;
use crate::node::NodeStatus;
use crate::state::Way;
use crate::transport::Notifier;
use crate::version::Version;

/// How often people are told of progress.
const TICK: Duration = Duration::from_secs(1);
/// How often more time is asked for, and how much: systemd takes a program that says nothing for hung.
const EXTEND: Duration = Duration::from_secs(5);
const EXTENSION: &str = "30000000";

/// Tells of the program's life, in time.
#[derive(Debug)]
pub(super) struct Beat {
    notifier: Notifier,
    tick: Interval,
    watchdog: Option<Duration>,
    alive_told: Option<Instant>,
    extended: Option<Instant>,
    status: String,
    version: Option<Version>,
    stopping: bool,
}

impl Beat {
    pub(super) fn new(environment: &mut Environment) -> Self {
        let watchdog = environment.watchdog.map(|watchdog| watchdog / 2);
        let mut tick = interval(watchdog.map_or(TICK, |watchdog| (watchdog / 2).clamp(Duration::from_millis(1), TICK)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            notifier: std::mem::take(&mut environment.notifier),
            tick,
            watchdog,
            alive_told: None,
            extended: None,
            status: String::new(),
            version: None,
            stopping: false,
        }
    }

    /// Completes when something may have to be told.
    pub(super) async fn due(&mut self) {
        self.tick.tick().await;
    }

    /// All is checked that can be without the state.
    pub(super) async fn prepared(&mut self, admin: SocketAddr) {
        tracing::info!(%admin, "the program is prepared, and asks for the state");
        "waiting for the state".clone_into(&mut self.status);
        let (admin, status) = (admin.to_string(), self.status.clone());
        let lines = [("X_STRADDLE_PREPARED", "1"), ("X_STRADDLE_ADMIN", &admin), ("STATUS", &status)];
        self.notifier.tell(&lines).await;
    }

    /// Callers are answered.
    pub(super) async fn ready(&mut self, callers: SocketAddr, status: &NodeStatus) {
        let version = status.version.to_string();
        tracing::info!(%callers, version, "the program serves");
        self.status = told(status);
        let mut lines = vec![("READY", "1"), ("X_STRADDLE_VERSION", version.as_str()), ("STATUS", &self.status)];
        if self.watchdog.is_some() {
            // From here on it is waited for.
            lines.push(("WATCHDOG", "1"));
            self.alive_told = Some(Instant::now());
        }
        self.notifier.tell(&lines).await;
        self.version = Some(status.version.clone());
        self.extended = None;
    }

    /// The program will end.
    pub(super) async fn stopping(&mut self, why: &str) {
        if !self.stopping {
            self.stopping = true;
            tracing::info!(why, "the program stops");
            why.clone_into(&mut self.status);
            self.notifier.tell(&[("STOPPING", "1"), ("STATUS", why)]).await;
        }
    }

    /// It goes on, and comes to this.
    pub(super) async fn goes_on(&mut self, status: Option<&NodeStatus>, takes_long: bool) {
        if !self.notifier.has_listener() {
            return;
        }
        let mut lines = Vec::new();
        if self.watchdog.is_some_and(|watchdog| self.alive_told.is_none_or(|told| told.elapsed() >= watchdog)) {
            self.alive_told = Some(Instant::now());
            lines.push(("WATCHDOG", "1".to_owned()));
        }
        if takes_long && self.extended.is_none_or(|extended| extended.elapsed() >= EXTEND) {
            self.extended = Some(Instant::now());
            lines.push(("EXTEND_TIMEOUT_USEC", EXTENSION.to_owned()));
        }
        if let Some(status) = status {
            if self.version.as_ref().is_some_and(|version| *version != status.version) {
                self.version = Some(status.version.clone());
                lines.push(("X_STRADDLE_VERSION", status.version.to_string()));
            }
            let text = told(status);
            if text != self.status && !self.stopping {
                self.status.clone_from(&text);
                lines.push(("STATUS", text));
            }
        }
        if !lines.is_empty() {
            let lines: Vec<(&str, &str)> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
            self.notifier.tell(&lines).await;
        }
    }

    /// The last word.
    pub(super) async fn end(&mut self, ended: &Ended) {
        match ended {
            Ended::Stopped | Ended::HandedOver => self.stopping("stopped").await,
            Ended::WentBack { version, why } => {
                let version = version.to_string();
                let lines = [("X_STRADDLE_FAILED", why.as_str()), ("X_STRADDLE_VERSION", &version), ("STATUS", why)];
                self.notifier.tell(&lines).await;
            }
            Ended::Unfit(why) | Ended::Failed(why) => self.notifier.tell(&[("STATUS", why)]).await,
        }
    }
}

/// How a node is doing, in a line for people.
fn told(status: &NodeStatus) -> String {
    let runs = &status.version;
    let what = match (&status.stuck, &status.under_way) {
        (Some(why), _) => return format!("stuck: {why}"),
        (None, Some((to, Way::On))) if to != runs => format!("upgrading from {runs} to {to}"),
        (None, Some((to, Way::Back))) if to != runs => format!("going back from {runs} to {to}"),
        _ => format!("runs {runs}"),
    };
    match &status.progress {
        Some((doing, done, total)) if *total > 0 => format!("{what}: {doing}, {done} of {total}"),
        Some((doing, ..)) => format!("{what}: {doing}"),
        None => match &status.unadmitted {
            Some(why) => format!("{what}, and answers nobody yet: {why}"),
            None => what,
        },
    }
}
