//! All connections of a server, and what they are told.

use tokio::sync::watch;

/// The connections of a [`Server`](super::Server) at work; see [`Serving::connections`](super::Serving::connections). All
/// clones are of the same server; when it is over, there is nobody to tell.
#[derive(Clone, Debug)]
pub struct Connections(watch::Sender<Told>);

#[derive(Clone, Copy, Debug, Default)]
struct Told {
    shut_down: bool,
    /// How often all were told to go away.
    go_away: u64,
}

impl Connections {
    pub(super) fn new() -> Self {
        Self(watch::Sender::default())
    }

    /// Tells the peers of all connections that are open now to go away (GOAWAY, RFC 9113 §6.8), while the listener goes on
    /// accepting.
    ///
    /// Running calls finish. For new ones peers connect anew: to where their load balancing takes them, which is here only
    /// if nothing else serves. So tell it to a node's health first ([`HealthHandle::set_not_serving`]), then this to peers
    /// that watch no health. A connection that has no call is closed when its peer has acknowledged, or after
    /// [`Limits::handshake_timeout`].
    ///
    /// [`HealthHandle::set_not_serving`]: super::HealthHandle::set_not_serving
    /// [`Limits::handshake_timeout`]: super::Limits::handshake_timeout
    pub fn go_away(&self) {
        self.0.send_modify(|told| told.go_away += 1);
    }

    /// How many connections are open, those included whose peers were told to go away.
    #[must_use]
    pub fn open(&self) -> usize {
        self.0.receiver_count()
    }

    pub(super) fn shut_down(&self) {
        self.0.send_modify(|told| told.shut_down = true);
    }

    /// One more connection; it is told what all are told from here on.
    pub(super) fn accepted(&self) -> Listening {
        let told = self.0.subscribe();
        let before = told.borrow().go_away;
        Listening { told, before }
    }
}

/// What one connection hears.
#[derive(Debug)]
pub(super) struct Listening {
    told: watch::Receiver<Told>,
    before: u64,
}

impl Listening {
    /// Ready when the server shuts down.
    pub(super) async fn shut_down(&mut self) {
        hears(&mut self.told, |told| told.shut_down).await;
    }

    /// Ready when the connection is to be closed, whatever for.
    pub(super) async fn close(&mut self) {
        let before = self.before;
        hears(&mut self.told, |told| told.shut_down || told.go_away > before).await;
    }
}

async fn hears(told: &mut watch::Receiver<Told>, what: impl Fn(&Told) -> bool) {
    if told.wait_for(what).await.is_err() {
        // Nobody is left who could say it; a server that is dropped drops its connections, too.
        std::future::pending::<()>().await;
    }
}
