//! What callers of a version are told while it goes: notices, brown-outs, and that it is retired.
//!
//! Each version has a door, which all tables of a node share. Calls of versions that the node has left behind go through it: they are
//! counted, in the same number that has the bit for *retired*. So a call has either come in before the version was retired, and is
//! answered whole, or it sees the bit; and whoever retires it learns when the last one has left.
//!
//! ```text
//!            retire                    all calls have left
//!   Open ────────────> Retired ─────────────────────────────> the objects behind it may go
//!     ^                   │
//!     └───────────────────┘
//!           take it back
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Notify;

use crate::retiring::{Brownout, NO_DATE, Notice, Retiring, SystemClock, WallClock};
use crate::version::Version;

/// Metadata of a response: since when the version of the call is deprecated (RFC 9745).
pub static DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// Metadata of a response: when the version of the call will be retired (RFC 8594).
pub static SUNSET: HeaderName = HeaderName::from_static("sunset");

/// The bit that is set while the version is retired.
const RETIRED: usize = 1 << (usize::BITS - 1);
/// The bit that is set while there is a notice.
const ANNOUNCED: usize = 1 << (usize::BITS - 2);
/// The bits that count the calls that are inside.
const INSIDE: usize = ANNOUNCED - 1;

/// The door of one version.
pub(crate) struct Door {
    inside: AtomicUsize,
    /// Told when the last call of a retired version leaves.
    left: Notify,
    announced: ArcSwapOption<Announced>,
}

/// A notice, ready to be told.
struct Announced {
    headers: Vec<(&'static HeaderName, HeaderValue)>,
    sunset: Option<u64>,
    brownout: Option<(Brownout, Arc<dyn WallClock>)>,
}

/// Why a call does not come in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    Retired,
    /// A brown-out, until this time; and when the version goes for good. In seconds since 1970.
    Until(u64, Option<u64>),
}

/// A call that is inside, until this is dropped.
#[derive(Debug)]
pub(crate) struct Passed(Arc<Door>);

impl Drop for Passed {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Door {
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Passed, Shut> {
        // The count is raised first, so that whoever retires the version sees either us, or nobody to wait for.
        let before = self.inside.fetch_add(1, Ordering::AcqRel);
        let passed = Passed(self.clone());
        if before & RETIRED != 0 {
            return Err(Shut::Retired);
        }
        if before & ANNOUNCED != 0
            && let Some(announced) = &*self.announced.load()
            && let Some((brownout, clock)) = &announced.brownout
            && let Some(until) = brownout.until(clock.now())
        {
            return Err(Shut::Until(until, announced.sunset));
        }
        Ok(passed)
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.inside.load(Ordering::Acquire) & RETIRED != 0
    }

    /// Says what is announced.
    pub(crate) fn announce(&self, headers: &mut HeaderMap) {
        if self.inside.load(Ordering::Relaxed) & ANNOUNCED == 0 {
            return;
        }
        if let Some(announced) = &*self.announced.load() {
            for (name, value) in &announced.headers {
                headers.insert(*name, value.clone());
            }
        }
    }

    fn set(&self, version: &Version, retiring: &Retiring, clock: &Arc<dyn WallClock>) {
        let announced = retiring.notice_of(version).map(|notice| Arc::new(Announced::new(notice, clock)));
        let set = |bit: usize, on: bool| {
            if on {
                self.inside.fetch_or(bit, Ordering::AcqRel);
            } else {
                self.inside.fetch_and(!bit, Ordering::AcqRel);
            }
        };
        let is_announced = announced.is_some();
        self.announced.store(announced);
        set(ANNOUNCED, is_announced);
        set(RETIRED, retiring.retires(version));
    }

    fn leave(&self) {
        let before = self.inside.fetch_sub(1, Ordering::AcqRel);
        if before & INSIDE == 1 && before & RETIRED != 0 {
            self.left.notify_waiters();
        }
    }

    /// Ready once nobody is inside that has come before the version was retired.
    async fn is_empty(&self) {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            // From here on nothing is missed.
            left.as_mut().enable();
            if self.inside.load(Ordering::Acquire) & INSIDE == 0 {
                return;
            }
            left.await;
        }
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inside = self.inside.load(Ordering::Relaxed);
        formatter
            .debug_struct("Door")
            .field("inside", &(inside & INSIDE))
            .field("retired", &(inside & RETIRED != 0))
            .finish_non_exhaustive()
    }
}

impl Announced {
    fn new(notice: &Notice, clock: &Arc<dyn WallClock>) -> Self {
        // Digits and dates are visible ASCII.
        let value = |text: String| HeaderValue::try_from(text).ok();
        let deprecation = notice.deprecated_since.and_then(|since| value(format!("@{since}")));
        let sunset = notice.sunset.and_then(|sunset| value(date(sunset)));
        let headers = [(&DEPRECATION, deprecation), (&SUNSET, sunset)];
        Self {
            headers: headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            sunset: notice.sunset,
            brownout: notice.brownout.map(|brownout| (brownout, clock.clone())),
        }
    }
}

/// The doors of all versions that a node has met.
pub(super) struct Doors(Mutex<Known>);

struct Known {
    retiring: Retiring,
    clock: Arc<dyn WallClock>,
    doors: BTreeMap<Version, Arc<Door>>,
}

impl Default for Doors {
    fn default() -> Self {
        let clock = Arc::new(SystemClock);
        Self(Mutex::new(Known { retiring: Retiring::default(), clock, doors: BTreeMap::new() }))
    }
}

impl Doors {
    /// The door of a version, as it is to be.
    pub(super) fn of(&self, version: &Version) -> Arc<Door> {
        let mut known = lock(&self.0);
        let Known { retiring, clock, doors } = &mut *known;
        let made = || {
            let door = Door { inside: AtomicUsize::new(0), left: Notify::new(), announced: ArcSwapOption::empty() };
            door.set(version, retiring, clock);
            Arc::new(door)
        };
        doors.entry(version.clone()).or_insert_with(made).clone()
    }

    /// From here on calls are told this.
    pub(super) fn set(&self, retiring: &Retiring, clock: &Arc<dyn WallClock>) {
        let mut known = lock(&self.0);
        (known.retiring, known.clock) = (retiring.clone(), clock.clone());
        for (version, door) in &known.doors {
            door.set(version, retiring, clock);
        }
    }

    /// Ready once no call of retired versions is inside.
    pub(super) async fn are_empty(&self) {
        let retired: Vec<Arc<Door>> = lock(&self.0).doors.values().filter(|door| door.is_retired()).cloned().collect();
        for door in retired {
            door.is_empty().await;
        }
    }
}

/// A time as HTTP says it; as seconds since 1970 where that has no words for it.
pub(crate) fn date(seconds: u64) -> String {
    if seconds < NO_DATE {
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
    } else {
        format!("{seconds} s after 1970")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::atomic::AtomicU64;
    use std::task::{Context, Waker};

    use super::*;

    struct Bent(AtomicU64);

    impl WallClock for Bent {
        fn now(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn version() -> Version {
        Version::new(1, 0, 0)
    }

    #[test]
    fn who_came_before_the_version_was_retired_is_waited_for() {
        let (doors, clock) = (Doors::default(), Arc::new(SystemClock) as Arc<dyn WallClock>);
        let door = doors.of(&version());
        let inside = door.enter().unwrap();
        doors.set(&Retiring::up_to(version()), &clock);
        assert_eq!(door.enter().unwrap_err(), Shut::Retired);
        let mut empty = pin!(doors.are_empty());
        let mut waking = Context::from_waker(Waker::noop());
        assert!(empty.as_mut().poll(&mut waking).is_pending());
        drop(inside);
        assert!(empty.as_mut().poll(&mut waking).is_ready());
        doors.set(&Retiring::default(), &clock);
        drop(door.enter().expect("it was taken back"));
    }

    #[test]
    fn many_that_come_as_the_version_goes_are_inside_or_told() {
        let (doors, clock) = (Doors::default(), Arc::new(SystemClock) as Arc<dyn WallClock>);
        for _ in 0..200 {
            doors.set(&Retiring::default(), &clock);
            let door = doors.of(&version());
            let gone = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        while let Ok(passed) = door.enter() {
                            assert_eq!(gone.load(Ordering::Acquire), 0, "the objects have gone under a call");
                            drop(passed);
                        }
                    });
                }
                scope.spawn(|| {
                    doors.set(&Retiring::up_to(version()), &clock);
                    let mut empty = pin!(doors.are_empty());
                    while empty.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                        std::thread::yield_now();
                    }
                    gone.store(1, Ordering::Release);
                });
            });
        }
    }

    #[test]
    fn a_brownout_goes_by_the_clock_and_can_be_taken_back() {
        let bent = Arc::new(Bent(AtomicU64::new(99)));
        let (doors, clock) = (Doors::default(), bent.clone() as Arc<dyn WallClock>);
        let door = doors.of(&version());
        let notice = Notice::of(version()).sunset(784_111_777).deprecated_since(12);
        let notice = notice.brownout(Brownout { seconds: 10, every_seconds: 100, from: 100 });
        doors.set(&Retiring::default().notice(notice), &clock);
        for (now, until) in [(99, None), (100, Some(110)), (109, Some(110)), (110, None), (200, Some(210))] {
            bent.0.store(now, Ordering::Relaxed);
            let shut = door.enter().map(drop).err();
            assert_eq!(shut, until.map(|until| Shut::Until(until, Some(784_111_777))), "{now}");
        }
        let mut headers = HeaderMap::new();
        door.announce(&mut headers);
        assert_eq!(
            (&headers["deprecation"], &headers["sunset"]),
            (&HeaderValue::from_static("@12"), &HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"),)
        );
        doors.set(&Retiring::default(), &clock);
        drop(door.enter().expect("it was taken back"));
        let mut headers = HeaderMap::new();
        door.announce(&mut headers);
        assert!(headers.is_empty());
    }
}
