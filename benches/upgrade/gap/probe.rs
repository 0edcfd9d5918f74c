//! Callers that note when they were answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::SendRequest;
use http::{Method, Request};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::AROUND;
use crate::records::text;

const CALLERS: usize = 4;
pub(super) const PAUSE: Duration = Duration::from_millis(1);

/// What callers felt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Felt {
    pub(crate) answered: usize,
    /// Between two answers, the longest time.
    pub(crate) gap: Duration,
    /// The same before anything was replaced.
    pub(crate) gap_before: Duration,
    /// Connections that nobody accepted.
    pub(crate) refused: usize,
    /// Calls that were told that they were not begun, and were made again.
    pub(crate) not_begun: usize,
    /// Other failures, and the first of them.
    pub(crate) failed: usize,
    pub(crate) failure: Option<String>,
}

impl Felt {
    pub(super) fn fails(&mut self, why: impl std::fmt::Display) {
        self.failed += 1;
        self.failure.get_or_insert_with(|| why.to_string());
    }
}

/// What is called.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) address: SocketAddr,
    pub(super) path: &'static str,
    /// The frame of a gRPC request; none for a plain GET.
    pub(super) message: Option<Bytes>,
}

/// What one caller saw.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) answers: Vec<Instant>,
    pub(super) felt: Felt,
}

/// How a call ended that was not answered.
enum Ended {
    NotBegun,
    Failed(String),
}

/// Calls all the time while `replace` does what it does.
pub(super) async fn watch<T>(call: Call, replace: impl Future<Output = Result<T, String>>) -> Result<Felt, String> {
    among(|ended| drive(call.clone(), ended), replace).await
}

/// The same, with callers of another kind.
pub(super) async fn among<C, T>(
    caller: impl Fn(watch::Receiver<bool>) -> C,
    replace: impl Future<Output = Result<T, String>>,
) -> Result<Felt, String>
where
    C: Future<Output = Seen> + Send + 'static,
{
    let (end, ended) = watch::channel(false);
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        callers.spawn(caller(ended.clone()));
    }
    sleep(AROUND).await;
    let begun = Instant::now();
    replace.await?;
    sleep(AROUND).await;
    end.send_replace(true);
    let (mut felt, mut answers) = (Felt::default(), Vec::new());
    while let Some(seen) = callers.join_next().await {
        let Seen { answers: more, felt: one } = seen.map_err(text)?;
        answers.extend(more);
        felt.refused += one.refused;
        felt.not_begun += one.not_begun;
        felt.failed += one.failed;
        felt.failure = felt.failure.or(one.failure);
    }
    answers.sort_unstable();
    felt.answered = answers.len();
    for pair in answers.windows(2) {
        let gap = pair[1] - pair[0];
        let longest = if pair[1] < begun { &mut felt.gap_before } else { &mut felt.gap };
        *longest = gap.max(*longest);
    }
    Ok(felt)
}

async fn drive(call: Call, ended: watch::Receiver<bool>) -> Seen {
    let mut seen = Seen::default();
    while !*ended.borrow() {
        let Ok(stream) = TcpStream::connect(call.address).await else {
            seen.felt.refused += 1;
            sleep(PAUSE).await;
            continue;
        };
        // Without this, small writes wait for each other.
        let _ = stream.set_nodelay(true);
        let Ok((mut sender, connection)) = h2::client::handshake(stream).await else { continue };
        let connection = tokio::spawn(connection);
        while !*ended.borrow() {
            // A connection that goes away takes no more calls.
            let Ok(ready) = sender.ready().await else { break };
            sender = ready;
            match once(&mut sender, &call).await {
                Ok(()) => seen.answers.push(Instant::now()),
                Err(Ended::NotBegun) => {
                    seen.felt.not_begun += 1;
                    break;
                }
                Err(Ended::Failed(why)) => {
                    seen.felt.fails(why);
                    break;
                }
            }
            sleep(PAUSE).await;
        }
        connection.abort();
    }
    seen
}

async fn once(sender: &mut SendRequest<Bytes>, call: &Call) -> Result<(), Ended> {
    let uri = format!("http://{}{}", call.address, call.path);
    let request = match call.message {
        None => Request::builder().method(Method::GET).uri(uri).body(()),
        Some(_) => Request::builder()
            .method(Method::POST)
            .uri(uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(()),
    };
    let request = request.map_err(failed)?;
    let (response, mut body) = sender.send_request(request, call.message.is_none()).map_err(|error| ended(&error))?;
    if let Some(message) = &call.message {
        body.send_data(message.clone(), true).map_err(|error| ended(&error))?;
    }
    let response = response.await.map_err(|error| ended(&error))?;
    let status = response.status();
    if !status.is_success() {
        return Err(Ended::Failed(status.to_string()));
    }
    let (parts, mut body) = response.into_parts();
    while let Some(data) = body.data().await {
        let data = data.map_err(|error| ended(&error))?;
        // It was there.
        let _ = body.flow_control().release_capacity(data.len());
    }
    if call.message.is_none() {
        return Ok(());
    }
    let trailers = body.trailers().await.map_err(|error| ended(&error))?;
    let status = trailers.as_ref().unwrap_or(&parts.headers).get("grpc-status").cloned();
    match status {
        Some(status) if status == "0" => Ok(()),
        other => Err(Ended::Failed(format!("grpc-status {other:?}"))),
    }
}

/// What was certainly not begun is no failure (RFC 9113 sections 6.8 and 8.7).
fn ended(error: &h2::Error) -> Ended {
    let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    let went_away = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
    if refused || went_away { Ended::NotBegun } else { failed(error) }
}

fn failed(error: impl std::fmt::Display) -> Ended {
    Ended::Failed(error.to_string())
}
