//! Answers to calls that were not begun.

use std::time::Duration;

use http::{Request, Response};
use tonic::Status;

use super::Body;
use super::unread::Unread;

/// How long the rest of a request may take to come. One that is streamed may never end.
const PATIENCE: Duration = Duration::from_secs(1);

/// Marks a response, in its extensions, as one to a call that was not begun: nothing of it was looked at, and whoever
/// sends it again, here or elsewhere, runs it once.
///
/// A [`Server`](crate::transport::Server) then sends no response at all, but ends the stream with `REFUSED_STREAM`, which
/// is how HTTP/2 guarantees it (RFC 9113 §8.7); no status could. A [`Channel`](crate::transport::Channel) sends such a call
/// again within its deadline, whether it is idempotent or not. gRPC's own clients see `UNAVAILABLE` and do as their service
/// config says; some of them send it again once by themselves (gRFC A6, *Transparent Retries*), grpcio does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBegun;

impl NotBegun {
    /// The marked answer to a request that nobody has read. `why` is for callers within the process, who see it as
    /// `UNAVAILABLE`; over HTTP/2 nobody does.
    ///
    /// It comes when the request has, or after a second: what comes for a stream that was refused before counts against its
    /// connection, and h2 closes that with all of its calls when there is too much of it.
    pub async fn answer(request: Request<Body>, why: impl Into<String>) -> Response<Body> {
        Unread::new(request.into_body()).come_to_its_end(PATIENCE).await;
        let mut response = Status::unavailable(why).into_http();
        response.extensions_mut().insert(Self);
        response
    }

    /// Whether a response is marked so.
    #[must_use]
    pub fn marks<B>(response: &Response<B>) -> bool {
        response.extensions().get::<Self>().is_some()
    }
}
