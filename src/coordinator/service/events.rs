//! Who did what when, read from the database: what has happened, and what happens.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::failure;
use crate::control::v1_0_0::{Event, EventsRequest};
use crate::coordinator::database::{Database, DatabaseError, Keys, Query};
use crate::coordinator::record::{self, keys};

/// Events that are read at once.
const PAGE: usize = 500;
/// Most that are kept back to find the newest.
const MOST: u64 = 100_000;
/// Events that wait for somebody who reads.
const WAITING: usize = 64;

pub(super) type Events = ReceiverStream<Result<Event, Status>>;

/// Tells events, the oldest first. Whoever follows reads them from the database as they come, at their own pace.
pub(super) fn tell(
    database: Arc<dyn Database>,
    request: EventsRequest,
    newest: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
) -> Events {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let end = tokio::select! {
            end = follow(&*database, &request, newest, &sender) => end,
            () = sender.closed() => return,
            () = stopped(stop) => Err(failure::stopping()),
        };
        if let Err(status) = end {
            // Who has gone needs no end.
            let _ = sender.send(Err(status)).await;
        }
    });
    ReceiverStream::new(receiver)
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn follow(
    database: &dyn Database,
    request: &EventsRequest,
    mut newest: watch::Receiver<u64>,
    sender: &mpsc::Sender<Result<Event, Status>>,
) -> Result<(), Status> {
    let to = *newest.borrow_and_update();
    let mut told = request.after;
    if request.newest > 0 {
        if wants_all(request) {
            told = told.max(to.saturating_sub(request.newest));
        } else {
            let mut last = VecDeque::new();
            let most = request.newest.min(MOST);
            for event in all(database, request, told, to).await? {
                if last.len() as u64 == most {
                    last.pop_front();
                }
                last.push_back(event);
            }
            for event in last {
                if sender.send(Ok(event)).await.is_err() {
                    return Ok(());
                }
            }
            told = told.max(to);
        }
    }
    let mut to = to;
    loop {
        while told < to {
            let (events, up_to) = page(database, told, to).await.map_err(|error| failure::unreadable(&error))?;
            for event in events.into_iter().filter(|event| wants(request, event)) {
                if sender.send(Ok(event)).await.is_err() {
                    return Ok(());
                }
            }
            told = up_to;
        }
        if !request.follow || newest.changed().await.is_err() {
            return Ok(());
        }
        to = *newest.borrow_and_update();
    }
}

async fn all(database: &dyn Database, request: &EventsRequest, after: u64, to: u64) -> Result<Vec<Event>, Status> {
    let (mut all, mut told) = (Vec::new(), after);
    while told < to {
        let (events, up_to) = page(database, told, to).await.map_err(|error| failure::unreadable(&error))?;
        all.extend(events.into_iter().filter(|event| wants(request, event)));
        told = up_to;
    }
    Ok(all)
}

/// The next events after one, and up to which number these are all.
async fn page(database: &dyn Database, after: u64, to: u64) -> Result<(Vec<Event>, u64), DatabaseError> {
    let range = Keys { from: Bound::Excluded(keys::event(after)), to: Bound::Included(keys::event(to)) };
    let page = database.range(Query { keys: range, limit: PAGE, at: None }).await?;
    let mut events = Vec::new();
    for entry in page.entries {
        events.push(event(&entry.key, entry.value)?);
    }
    let up_to = events.last().map_or(to, |last| if page.more { last.number } else { to });
    Ok((events, up_to))
}

fn event(key: &Bytes, value: Bytes) -> Result<Event, DatabaseError> {
    record::open(value)
        .map_err(|error| DatabaseError::damaged(format!("{} cannot be read: {error}", String::from_utf8_lossy(key))))
}

fn wants_all(request: &EventsRequest) -> bool {
    request.protocol.is_empty() && request.upgrade == 0 && request.node.is_empty()
}

fn wants(request: &EventsRequest, event: &Event) -> bool {
    (request.protocol.is_empty() || request.protocol == event.protocol)
        && (request.upgrade == 0 || request.upgrade == event.upgrade)
        && (request.node.is_empty() || request.node == event.node)
}
