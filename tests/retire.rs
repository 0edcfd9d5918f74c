//! Versions that are retired: what callers are told before and after, and what becomes of objects and their states.
#![cfg(feature = "cli")]

#[path = "retire/calls.rs"]
mod calls;
#[path = "node_life/faulty.rs"]
mod faulty;
#[path = "support/folder.rs"]
mod folder;
#[path = "node_life/shop.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod shop;
#[path = "retire/sockets.rs"]
mod sockets;
#[path = "retire/states.rs"]
mod states;
#[path = "retire/streams.rs"]
mod streams;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::Response;
use straddle::Version;
use straddle::refusal::{Reason, Refusal};
use straddle::retiring::{Retiring, WallClock};
use straddle::wire::Body;
use tonic::{Code, Status};

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn up_to(text: &str) -> Retiring {
    Retiring::up_to(version(text))
}

/// A wall clock that says what it is told.
#[derive(Clone, Default)]
struct Bent(Arc<AtomicU64>);

impl Bent {
    fn at(seconds: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seconds)))
    }

    fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl WallClock for Bent {
    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The refusal that a response is.
fn refusal(response: &Response<Body>) -> Refusal {
    let status = Status::from_header_map(response.headers()).expect("a status");
    Refusal::from_status(&status).unwrap_or_else(|| panic!("no refusal: {status:?}"))
}

/// Looks whether a call was told that its version is retired, and has not run.
fn assert_retired(status: &Status, served: &str) {
    let refusal = Refusal::from_status(status).unwrap_or_else(|| panic!("no refusal: {status:?}"));
    assert_eq!((refusal.reason(), status.code(), refusal.ran()), (Reason::Retired, Code::FailedPrecondition, false));
    assert_eq!((refusal.served(), refusal.brownout_until()), (Some(served), None), "{refusal}");
}
