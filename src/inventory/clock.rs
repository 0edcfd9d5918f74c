//! Time, behind a trait: what expires can be tested without waiting for it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

/// What tells the time to objects and wakes them when it has come.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// What time it is.
    fn now(&self) -> SystemTime;

    /// Waits until [`now`](Self::now) is `instant` or later.
    fn wait_until(&self, instant: SystemTime) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn wait_until(&self, instant: SystemTime) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        /// Somebody may set the system's clock while we sleep on another; so it is looked at this often.
        const LOOK: Duration = Duration::from_secs(10);

        Box::pin(async move {
            // An error means that the instant has passed.
            while let Ok(left) = instant.duration_since(SystemTime::now()) {
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LOOK)).await;
            }
        })
    }
}

/// A clock that stands still until it is told otherwise; for tests.
///
/// Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock(watch::Sender<SystemTime>);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: SystemTime) -> Self {
        Self(watch::Sender::new(now))
    }

    /// Moves the clock on, and wakes whoever waited for a time that has now come.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now += by);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        *self.0.borrow()
    }

    fn wait_until(&self, instant: SystemTime) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut shown = self.0.subscribe();
        Box::pin(async move {
            // An error would mean that the clock is gone, and we borrow it.
            let _ = shown.wait_for(|now| *now >= instant).await;
        })
    }
}

/// An instant as it is stored: nanoseconds since the Unix epoch. They reach to the year 2554; what is beyond stays
/// there.
pub(crate) fn to_nanos(instant: SystemTime) -> u64 {
    let since = instant.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn from_nanos(nanos: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_those_whose_time_has_come() {
        let clock = ManualClock::new(SystemTime::UNIX_EPOCH);
        let due = clock.now() + Duration::from_secs(5);
        let waiter = tokio::spawn({
            let clock = clock.clone();
            async move { clock.wait_until(due).await }
        });
        clock.advance(Duration::from_secs(4));
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        clock.advance(Duration::from_secs(1));
        waiter.await.unwrap();
    }

    #[test]
    fn instants_survive_storage() {
        let instant = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
        assert_eq!(from_nanos(to_nanos(instant)), instant);
    }
}
