//! What a node says of its health, over the connection that calls take: gRPC's client-side health checking (gRFC A17).
//!
//! ```text
//!  connected           SERVING                        anything else
//!  ----------> asked ──────────> serves <──> does not ────────────> does not serve; asked again after the backoff
//!                │
//!                │ UNIMPLEMENTED: the node tells nothing, and counts as one that serves
//!                └ nothing within the time to connect: does not serve, until something comes
//! ```

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use tokio::task::AbortHandle;
use tokio::time::sleep;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower_service::Service;

use super::address::{Address, Serving};
use super::connecting::Connection;
use super::failure::causes;
use crate::wire::Body;

/// A node's health is watched until this is dropped, which cancels the watching call.
#[derive(Debug)]
pub(super) struct Watch(AbortHandle);

impl Watch {
    /// Begins to watch the health of `service` over a connection.
    pub(super) fn begin(address: &Arc<Address>, connection: &Connection, service: Arc<str>) -> Self {
        // Neither the address nor the connection is kept by it: both would never end.
        let watching = Watching { address: Arc::downgrade(address), connection: connection.clone(), service };
        Self(tokio::spawn(watching.watch()).abort_handle())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Watching {
    address: Weak<Address>,
    connection: Connection,
    service: Arc<str>,
}

impl Watching {
    async fn watch(self) {
        let mut failures = 0;
        loop {
            let heard = AtomicBool::new(false);
            let Some(ended) = self.follow(&heard).await else { return };
            // Who has no such service cannot be asked, but called.
            if ended.code() == Code::Unimplemented {
                return self.tell(Serving::Yes);
            }
            let why = format!("its health cannot be watched: {}: {}", ended.code(), ended.message());
            self.tell(Serving::No(why.into()));
            failures = if heard.into_inner() { 1 } else { failures + 1 };
            let Some(address) = self.address.upgrade() else { return };
            let pause = address.settings.backoff.after(failures, &address.random);
            drop(address);
            sleep(pause).await;
        }
    }

    /// Follows what one call is told; gives how that ended, or nothing when the connection is not there any more.
    async fn follow(&self, heard: &AtomicBool) -> Option<Status> {
        let address = self.address.upgrade()?;
        let limit = address.settings.connect_timeout;
        let uri = address.locate(&Uri::from_static("/grpc.health.v1.Health/Watch"));
        let mut client = HealthClient::new(Once { sender: Some(address.sender_over(&self.connection)?), uri });
        drop(address);
        let mut following = pin!(async {
            let request = HealthCheckRequest { service: self.service.to_string() };
            let mut told = client.watch(request).await?.into_inner();
            if let Some(address) = self.address.upgrade() {
                address.answered();
            }
            while let Some(told) = told.message().await? {
                heard.store(true, Ordering::Relaxed);
                self.tell(self.read(told.status()));
            }
            Err::<Infallible, _>(Status::unknown("the node ended what it tells of its health"))
        });
        let mut late = pin!(sleep(limit));
        loop {
            tokio::select! {
                biased;
                Err(ended) = &mut following => return Some(ended),
                () = &mut late, if !late.is_elapsed() => {
                    if !heard.load(Ordering::Relaxed) {
                        self.tell(Serving::No(format!("it said nothing of its health within {limit:?}").into()));
                    }
                }
            }
        }
    }

    fn read(&self, status: ServingStatus) -> Serving {
        match (status, &*self.service) {
            (ServingStatus::Serving, _) => Serving::Yes,
            (_, "") => Serving::No(format!("its health says {}", status.as_str_name()).into()),
            (_, service) => Serving::No(format!("its health says {} of `{service}`", status.as_str_name()).into()),
        }
    }

    fn tell(&self, serving: Serving) {
        if let Some(address) = self.address.upgrade() {
            address.tell(&self.connection, serving);
        }
    }
}

/// A connection, for one call: what is sent just as it ends comes back only when the last sender is gone.
struct Once {
    sender: Option<SendRequest<Body>>,
    uri: Uri,
}

impl Service<Request<tonic::body::Body>> for Once {
    type Response = Response<Incoming>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let mut request = request.map(Body::from);
        *request.uri_mut() = self.uri.clone();
        let sent = self.sender.take().map(|mut sender| sender.send_request(request));
        Box::pin(async {
            match sent {
                Some(sent) => sent.await.map_err(|error| Status::unavailable(causes(&error))),
                None => Err(Status::internal("a second call of one")),
            }
        })
    }
}
