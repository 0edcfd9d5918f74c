//! What a call beneath a simulation object takes over from the call above it.
//!
//! The context is entered around every poll of a simulation object and of its response body, so whatever its author
//! calls through the adjacent client finds the table, the deadline and the metadata of the caller without being told.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use http::header::HeaderName;
use tokio::time::Instant;

use super::table::Table;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Context>>> = const { RefCell::new(None) };
}

/// One call that is being simulated.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) table: Arc<Table>,
    /// Metadata of the caller that go on to the adjacent version.
    pub(crate) metadata: HeaderMap,
    pub(crate) deadline: Option<Instant>,
    /// Metadata of answers that go back to the caller.
    returned: Mutex<HeaderMap>,
    /// Whether a call beneath may have changed something already.
    ran: AtomicBool,
}

impl Context {
    pub(crate) fn new(table: Arc<Table>, headers: &HeaderMap, deadline: Option<Instant>) -> Arc<Self> {
        Arc::new(Self {
            table,
            metadata: passing(headers),
            deadline,
            returned: Mutex::default(),
            ran: AtomicBool::new(false),
        })
    }

    /// The context of the simulation object that runs on this thread right now.
    pub(crate) fn current() -> Option<Arc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Runs `poll` with this context as the current one.
    pub(crate) fn enter<T>(self: &Arc<Self>, poll: impl FnOnce() -> T) -> T {
        struct Leave(Option<Arc<Context>>);
        impl Drop for Leave {
            fn drop(&mut self) {
                let before = self.0.take();
                // What was current is dropped after the borrow has ended.
                drop(CURRENT.with(|current| current.replace(before)));
            }
        }
        let _leave = Leave(CURRENT.with(|current| current.replace(Some(self.clone()))));
        poll()
    }

    /// Notes that a call beneath may have run.
    pub(crate) fn note_run(&self) {
        self.ran.store(true, Ordering::Relaxed);
    }

    pub(crate) fn may_have_run(&self) -> bool {
        self.ran.load(Ordering::Relaxed)
    }

    /// Keeps metadata of an answer from beneath for the caller; the first answer to use a name has it.
    pub(crate) fn note_returned(&self, headers: &HeaderMap) {
        if headers.keys().any(passes) {
            let mut returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
            add_missing(&mut returned, &passing(headers));
        }
    }

    /// Adds the metadata of the answers from beneath to the caller's.
    pub(crate) fn return_into(&self, headers: &mut HeaderMap) {
        let returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        if !returned.is_empty() {
            add_missing(headers, &returned);
        }
    }
}

/// Adds the headers whose names are not there yet, all their values.
pub(crate) fn add_missing(into: &mut HeaderMap, from: &HeaderMap) {
    for name in from.keys().filter(|name| !into.contains_key(*name)).cloned().collect::<Vec<_>>() {
        for value in from.get_all(&name) {
            into.append(name.clone(), value.clone());
        }
    }
}

fn passing(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| passes(name)) {
        kept.append(name.clone(), value.clone());
    }
    kept
}

/// Whether metadata belong to the application, not to one hop of the call (gRPC over HTTP/2, *Requests*).
fn passes(name: &HeaderName) -> bool {
    const TRACE: [&str; 2] = ["grpc-trace-bin", "grpc-tags-bin"];
    const OF_A_HOP: [HeaderName; 10] = [
        http::header::CONTENT_TYPE,
        http::header::TE,
        http::header::USER_AGENT,
        http::header::HOST,
        http::header::CONTENT_LENGTH,
        http::header::CONNECTION,
        http::header::TRANSFER_ENCODING,
        http::header::TRAILER,
        http::header::ACCEPT_ENCODING,
        http::header::DATE,
    ];
    let text = name.as_str();
    // Whatever else a later Straddle says in such a header is not the application's either.
    let of_a_hop = OF_A_HOP.contains(name) || text.starts_with("straddle-");
    !of_a_hop && (!text.starts_with("grpc-") || TRACE.contains(&text))
}
