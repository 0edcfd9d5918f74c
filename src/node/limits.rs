//! How long a node waits for what while it moves.

use std::time::Duration;

/// The node's patience; see the methods of [`Builder`](super::Builder) that set it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) streams: Duration,
    pub(super) grace: Duration,
    pub(super) calls: Duration,
    pub(super) background: Duration,
    pub(super) leases: Duration,
    pub(super) verify: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            streams: Duration::from_secs(10),
            grace: Duration::from_secs(1),
            calls: Duration::from_secs(30),
            background: Duration::from_secs(10),
            leases: Duration::from_secs(10),
            verify: Duration::from_secs(30),
        }
    }
}
