//! What agents of nodes say, and are told.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_stream::{StreamExt, iter};
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use super::bundles::Bundles;
use super::failure;
use crate::control::v1_0_0::agents_server::Agents;
use crate::control::v1_0_0::{FetchRequest, FetchResponse, FindRequest, FindResponse, FromAgent, ToAgent};
use crate::coordinator::core::{Reason, Session};
use crate::coordinator::driver::{Speaks, line};
use crate::coordinator::handle::{Handle, Told};

/// How long an agent may take to say who it is.
const HELLO: Duration = Duration::from_secs(10);

pub(super) struct AgentsService {
    pub(super) handle: Handle,
    pub(super) bundles: Bundles,
}

#[tonic::async_trait]
impl Agents for AgentsService {
    async fn attend(&self, request: Request<Streaming<FromAgent>>) -> Result<Response<BoxStream<ToAgent>>, Status> {
        let (speaks, hears, gone) = line();
        tokio::spawn(listen(self.handle.clone(), request.into_inner(), speaks, gone));
        Ok(Response::new(Box::pin(hears)))
    }

    async fn fetch(&self, request: Request<FetchRequest>) -> Result<Response<BoxStream<FetchResponse>>, Status> {
        let digest = request.into_inner().digest;
        let asked = digest.clone();
        let stored = self.handle.read(move |core, _| core.bundle(&asked)).await?;
        let stored = stored.ok_or_else(|| failure::no_such_bundle(&digest))?;
        let parts = self.bundles.parts(&stored).await.map_err(|error| failure::unreadable(&error))?;
        let parts = (0..parts.len()).map(move |index| Ok(FetchResponse { part: parts[index].clone() }));
        Ok(Response::new(Box::pin(iter(parts))))
    }

    async fn find(&self, request: Request<FindRequest>) -> Result<Response<FindResponse>, Status> {
        let request = request.into_inner();
        self.handle.read(move |core, _| core.find(&request)).await.map(Response::new)
    }
}

/// Passes on what one agent says, until it, or whoever speaks to it, ends that.
async fn listen(handle: Handle, mut said: Streaming<FromAgent>, speaks: Speaks, mut gone: oneshot::Receiver<()>) {
    let first = tokio::select! {
        first = timeout(HELLO, said.next()) => first,
        _ = &mut gone => return,
    };
    let first = match first {
        Ok(Some(Ok(first))) => first,
        Ok(Some(Err(status))) => return speaks.end(status),
        Ok(None) => return speaks.end(failure::ended(Reason::Invalid, "the agent said nothing")),
        Err(_) => return speaks.end(failure::ended(Reason::Invalid, "the agent did not say Hello in time")),
    };
    let session = handle.session();
    // The driver is gone where it does not listen; then all streams are.
    if handle.tell(Told::Opened(session, speaks)).await.is_ok()
        && handle.tell(Told::Said(session, Box::new(first))).await.is_ok()
    {
        pass_on(&handle, session, &mut said, gone).await;
        let _ = handle.tell(Told::Closed(session)).await;
    }
}

async fn pass_on(handle: &Handle, session: Session, said: &mut Streaming<FromAgent>, mut gone: oneshot::Receiver<()>) {
    loop {
        let message = tokio::select! {
            message = said.next() => message,
            _ = &mut gone => return,
        };
        let Some(Ok(message)) = message else { return };
        if handle.tell(Told::Said(session, Box::new(message))).await.is_err() {
            return;
        }
    }
}
