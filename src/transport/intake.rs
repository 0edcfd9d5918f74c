//! Whether servers take connections.

use tokio::sync::watch;

/// Says whether [`Server`](super::Server)s take connections; its clones say the same.
///
/// ```text
///          close()                          open()
///   Open ──────────> Closed: nothing is ──────────> Open
///                    accepted; peers were
///                    told to go away
/// ```
///
/// While it is closed, new connections wait in the listener's backlog, of which whoever else holds the socket may accept them.
#[derive(Clone, Debug)]
pub struct IntakeHandle(watch::Sender<bool>);

impl IntakeHandle {
    /// An intake that is open.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(true))
    }

    /// Accepts no connection any more, and tells the peers of all that there are to go away (RFC 9113 §6.8): what runs on them
    /// comes to its end, and calls may still come until the peers have heard of it.
    pub fn close(&self) {
        self.0.send_replace(false);
    }

    /// Accepts connections again. Peers that were told to go away stay told; they come back on new connections.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Whether connections are accepted.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self.0.borrow()
    }

    pub(super) fn watch(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }
}

impl Default for IntakeHandle {
    fn default() -> Self {
        Self::new()
    }
}
