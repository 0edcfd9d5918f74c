//! The one stream to the coordinator: kept, and made anew when it is lost.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status};
use tonic_types::StatusExt;

use super::attending::Event;
use crate::control::v1_0_0 as wire;
use crate::refusal::DOMAIN;
use crate::transport::Channel;

/// How long to wait before the stream is made again: at first, at most, and after another one of the same name took its place.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);
const REPLACED: Duration = Duration::from_secs(30);
/// Most that is said and not yet sent.
const SAID: usize = 256;

/// The agent's end of a stream.
#[derive(Debug)]
pub(super) struct Stream {
    say: mpsc::Sender<wire::FromAgent>,
    cut: Arc<Notify>,
}

impl Stream {
    /// Says something; a coordinator that does not listen loses the stream.
    pub(super) fn say(&self, said: wire::FromAgent) {
        if self.say.try_send(said).is_err() {
            self.cut.notify_one();
        }
    }
}

/// Keeps the stream for as long as somebody listens to `events`.
pub(super) async fn keep(channel: Channel, coordinator: String, events: mpsc::Sender<Event>) {
    let mut wait = FIRST;
    let mut told = false;
    loop {
        let lost = match channel.connect().await {
            Ok(()) => {
                told = false;
                let Some(lost) = attend(&channel, &events, &mut wait).await else { return };
                tracing::warn!(error = lost.message(), "the stream to the coordinator has ended");
                lost
            }
            Err(error) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(
                        coordinator,
                        error = error.message(),
                        "the coordinator cannot be reached; it is tried again, and a node that it has not admitted answers nobody until then"
                    );
                }
                error
            }
        };
        let pause = if reason(&lost).as_deref() == Some("REPLACED") { REPLACED } else { wait };
        // Agents that have lost their coordinator do not come back all at once.
        let pause = pause.mul_f64(0.5 + fastrand::f64());
        tokio::select! {
            () = sleep(pause) => {}
            () = events.closed() => return,
        }
        wait = (wait * 2).min(LONGEST);
    }
}

/// One stream from beginning to end: why it ended; `None` when nobody listens any more.
async fn attend(channel: &Channel, events: &mpsc::Sender<Event>, wait: &mut Duration) -> Option<Status> {
    let (say, said) = mpsc::channel(SAID);
    let cut = Arc::new(Notify::new());
    events.send(Event::Connected(Stream { say, cut: cut.clone() })).await.ok()?;
    let heard = async {
        let mut client = wire::agents_client(channel.clone());
        let mut stream = match client.attend(Request::new(ReceiverStream::new(said))).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => return Some(status),
        };
        loop {
            match stream.message().await {
                Ok(Some(message)) => {
                    *wait = FIRST;
                    events.send(Event::Said(message)).await.ok()?;
                }
                Ok(None) => return Some(Status::unavailable("the coordinator has ended it")),
                Err(status) => return Some(status),
            }
        }
    };
    let lost = tokio::select! {
        lost = heard => lost?,
        () = cut.notified() => Status::unavailable("the coordinator does not listen"),
    };
    events.send(Event::Lost(reason(&lost))).await.ok()?;
    Some(lost)
}

/// Why the coordinator has ended a stream, where it says so.
fn reason(status: &Status) -> Option<String> {
    status.get_details_error_info().filter(|info| info.domain == DOMAIN).map(|info| info.reason)
}
