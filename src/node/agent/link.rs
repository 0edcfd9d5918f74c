//! The one stream to the coordinator: kept, and made anew when it is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
/// A node that is asked to stop together with its coordinator may hear of it so much later than that is gone.
const MOMENT: Duration = Duration::from_millis(100);
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

/// Keeps the stream for as long as somebody listens to `events`. Of a node that `stops` it is no news that the stream is lost.
pub(super) async fn keep(channel: Channel, coordinator: String, events: mpsc::Sender<Event>, stops: Arc<AtomicBool>) {
    let mut wait = FIRST;
    let mut told = false;
    loop {
        let (lost, ended) = match channel.connect().await {
            Ok(()) => {
                told = false;
                let Some(Lost { why, left }) = attend(&channel, &events, &mut wait).await else { return };
                if left {
                    return tracing::info!(coordinator, "the node has left its coordinator");
                }
                (why, true)
            }
            Err(error) => {
                if !std::mem::replace(&mut told, true) && !stops.load(Ordering::Relaxed) {
                    tracing::warn!(
                        coordinator,
                        error = error.message(),
                        "the coordinator cannot be reached; it is tried again, and a node that it has not admitted answers nobody until then"
                    );
                }
                (error, false)
            }
        };
        let pause = if reason(&lost).as_deref() == Some("REPLACED") { REPLACED } else { wait };
        // Agents that have lost their coordinator do not come back all at once.
        let pause = pause.mul_f64(0.5 + fastrand::f64());
        let moment = pause.min(MOMENT);
        if !passes(moment, &events).await {
            return;
        }
        let error = lost.message();
        match (ended, stops.load(Ordering::Relaxed)) {
            (true, true) => tracing::info!(error, "the stream to the coordinator has ended while the node stops"),
            (true, false) => tracing::warn!(error, "the stream to the coordinator has ended"),
            (false, _) => {}
        }
        if !passes(pause.saturating_sub(moment), &events).await {
            return;
        }
        wait = (wait * 2).min(LONGEST);
    }
}

/// Waits; whether somebody still listens then.
async fn passes(time: Duration, events: &mpsc::Sender<Event>) -> bool {
    tokio::select! {
        () = sleep(time) => true,
        () = events.closed() => false,
    }
}

/// How a stream has ended.
struct Lost {
    why: Status,
    /// The agent has ended it, since its node stops or goes on in another program.
    left: bool,
}

/// One stream from beginning to end; `None` when nobody listens any more.
async fn attend(channel: &Channel, events: &mpsc::Sender<Event>, wait: &mut Duration) -> Option<Lost> {
    let (say, said) = mpsc::channel(SAID);
    let says = say.downgrade();
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
    let why = tokio::select! {
        lost = heard => lost?,
        () = cut.notified() => Status::unavailable("the coordinator does not listen"),
    };
    // An agent lets go of a stream that is not over only when it ends.
    let left = says.strong_count() == 0;
    events.send(Event::Lost(reason(&why))).await.ok()?;
    Some(Lost { why, left })
}

/// Why the coordinator has ended a stream, where it says so.
fn reason(status: &Status) -> Option<String> {
    status.get_details_error_info().filter(|info| info.domain == DOMAIN).map(|info| info.reason)
}
