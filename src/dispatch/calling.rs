//! Who calls, counted as calls begin.

use std::sync::Arc;
use std::time::Instant;

use http::Request;
use http::header::USER_AGENT;

use super::route::Route;
use super::table::CALLER;
use crate::census::{Caller, Callers, Told};
use crate::wire::{Body, Peer};

/// Counts callers of the calls from outside, and knows what time it is.
#[derive(Debug)]
pub(super) struct Calling {
    callers: Callers,
    /// Where the clock of `callers` begins.
    since: Instant,
}

impl Calling {
    pub(super) fn new() -> Self {
        Self { callers: Callers::new(), since: Instant::now() }
    }

    /// Counts calls on these routes as well, from now on.
    pub(super) fn add<'a>(&self, routes: impl Iterator<Item = &'a Arc<Route>>) {
        for route in routes {
            route.row.get_or_init(|| self.callers.row(&route.stamp.caller, &route.method));
        }
    }

    /// Counts a call that came at this time. Where it came from is its body's no more.
    pub(super) fn count(&self, request: &mut Request<Body>, route: &Route, unlabelled: bool, came: Instant) {
        let Some(row) = route.row.get() else { return };
        let peer = request.body_mut().take_peer();
        let headers = request.headers();
        let named = headers.get(&CALLER).and_then(|name| Caller::named(name.as_bytes()));
        let caller = named.unwrap_or_else(|| {
            let user_agent = headers.get(USER_AGENT).map(http::HeaderValue::as_bytes).unwrap_or_default();
            Caller::at(peer.as_ref().map(Peer::address), user_agent)
        });
        self.callers.count(&caller, *row, unlabelled, self.at(came));
    }

    /// Takes at most so many rows out, to tell of them; and what time it is for them.
    pub(super) fn take(&self, most: usize) -> (Told, u64) {
        let told = self.callers.take(most);
        (told, self.at(Instant::now()))
    }

    pub(super) fn bytes(&self) -> usize {
        self.callers.bytes()
    }

    fn at(&self, time: Instant) -> u64 {
        u64::try_from(time.saturating_duration_since(self.since).as_micros()).unwrap_or(u64::MAX)
    }
}
