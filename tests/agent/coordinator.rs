//! A coordinator that says what a test has it say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::agents_server::{Agents, AgentsServer};
use straddle::control::v1_0_0::{from_agent, to_agent};
use straddle::transport::Server;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::{ReceiverStream, UnboundedReceiverStream};
use tonic::codegen::BoxStream;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt};

/// No answer in this time is a failure of the test.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often nodes report here.
const REPORT_EVERY: u64 = 50_000;

type Say = mpsc::UnboundedSender<Result<wire::ToAgent, Status>>;

/// What a coordinator hears.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is looked at, and gone")]
pub(crate) enum Heard {
    Said(from_agent::Message),
    /// The agent has ended its stream.
    Ended,
    Find(String),
    Fetch,
}

#[derive(Default)]
struct Shared {
    /// To the stream that there is.
    say: Mutex<Option<Say>>,
    bundles: Mutex<BTreeMap<String, Bytes>>,
    /// What leads to a version.
    published: Mutex<BTreeMap<String, Vec<String>>>,
}

#[derive(Clone)]
struct Service {
    shared: Arc<Shared>,
    heard: mpsc::UnboundedSender<Heard>,
}

pub(crate) struct Coordinator {
    pub(crate) url: String,
    shared: Arc<Shared>,
    heard: mpsc::UnboundedReceiver<Heard>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Coordinator {
    pub(crate) async fn start() -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await.expect("a port"))
    }

    pub(crate) fn start_on(listener: TcpListener) -> Self {
        let (tell, heard) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::default());
        let service = AgentsServer::new(Service { shared: shared.clone(), heard: tell });
        let (stop, stops) = oneshot::channel::<()>();
        let shutdown = async move { drop(stops.await) };
        let serving = Server::builder().serve(listener, service, shutdown).expect("a server");
        let url = format!("http://{}", serving.local_addr());
        let serving = tokio::spawn(async move {
            let _ = serving.await;
        });
        Self { url, shared, heard, stop: Some(stop), serving }
    }

    /// Ends the stream, and the coordinator.
    pub(crate) async fn stop(mut self) {
        self.shared.say.lock().unwrap().take();
        self.stop.take();
        self.serving.await.expect("no panic");
    }

    /// Ends the stream for a reason.
    pub(crate) fn end(&self, code: Code, reason: &str) {
        let details = ErrorDetails::with_error_info(reason, "straddle", std::collections::HashMap::new());
        let say = self.shared.say.lock().unwrap().take().expect("a stream");
        say.send(Err(Status::with_error_details(code, reason, details))).expect("an agent");
    }

    pub(crate) fn say(&self, message: to_agent::Message) {
        let said = wire::ToAgent { message: Some(message) };
        self.shared.say.lock().unwrap().as_ref().expect("a stream").send(Ok(said)).expect("an agent");
    }

    pub(crate) fn welcome(&self, serve: bool) {
        let (admission, why) = (3, if serve { "" } else { "it was away" }.to_owned());
        let welcome =
            wire::Welcome { admission, report_every_microseconds: REPORT_EVERY, serve, why, ..Default::default() };
        self.say(to_agent::Message::Welcome(welcome));
    }

    pub(crate) fn goal(&self, goal: wire::Goal) {
        self.say(to_agent::Message::Goal(goal));
    }

    /// A bundle to be fetched; its digest.
    pub(crate) fn publish(&self, bundle: Bytes) -> String {
        let digest = straddle::bundle::Bundle::read(bundle.clone()).expect("a bundle").digest();
        self.shared.bundles.lock().unwrap().insert(digest.clone(), bundle);
        digest
    }

    /// These bundles lead to a version.
    pub(crate) fn leads(&self, version: &str, bundles: &[&String]) {
        let bundles = bundles.iter().map(|&bundle| bundle.clone()).collect();
        self.shared.published.lock().unwrap().insert(version.to_owned(), bundles);
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        let heard = tokio::time::timeout(PATIENCE, self.heard.recv()).await;
        heard.expect("something to hear in time").expect("a server")
    }

    /// Waits for something.
    pub(crate) async fn until<T>(&mut self, wanted: impl Fn(&Heard) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(&self.hear().await) {
                return found;
            }
        }
    }

    pub(crate) async fn hello(&mut self) -> wire::Hello {
        self.until(|heard| match heard {
            Heard::Said(from_agent::Message::Hello(hello)) => Some(hello.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for a report that is as wanted; a Hello has one.
    pub(crate) async fn report(&mut self, wanted: impl Fn(&wire::Report) -> bool) -> wire::Report {
        self.until(|heard| {
            let report = match heard {
                Heard::Said(from_agent::Message::Report(report)) => Some(report),
                Heard::Said(from_agent::Message::Hello(hello)) => hello.report.as_ref(),
                _ => None,
            };
            report.filter(|report| wanted(report)).cloned()
        })
        .await
    }

    pub(crate) async fn ended(&mut self, permit: u64) -> wire::Ended {
        self.until(|heard| match heard {
            Heard::Said(from_agent::Message::Ended(ended)) if ended.permit == permit => Some(ended.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for a batch of the census.
    pub(crate) async fn census(&mut self) -> wire::Census {
        self.until(|heard| match heard {
            Heard::Said(from_agent::Message::Census(census)) => Some(census.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) fn taken(&self, number: u64) {
        self.say(to_agent::Message::CensusTaken(wire::CensusTaken { number }));
    }

    /// Waits for a request.
    pub(crate) async fn request(&mut self) -> wire::PermitRequest {
        self.until(|heard| match heard {
            Heard::Said(from_agent::Message::PermitRequest(request)) => Some(request.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for a request, and answers it with a permit that `change`s.
    pub(crate) async fn permit(&mut self, number: u64, change: impl FnOnce(&mut wire::Permit)) -> wire::PermitRequest {
        let request = self.request().await;
        let mut permit = wire::Permit {
            permit: number,
            request: request.number,
            upgrade: request.upgrade,
            from: request.from.clone(),
            to: request.to.clone(),
            back: request.to < request.from,
            within_microseconds: 30_000_000,
            way: wire::Way::Soft.into(),
            ..Default::default()
        };
        change(&mut permit);
        self.say(to_agent::Message::Permit(permit));
        request
    }
}

pub(crate) fn goal(version: &str) -> wire::Goal {
    wire::Goal { upgrade: 7, version: version.to_owned(), way: wire::Way::Soft.into(), ..Default::default() }
}

#[tonic::async_trait]
impl Agents for Service {
    async fn attend(
        &self,
        request: Request<Streaming<wire::FromAgent>>,
    ) -> Result<Response<BoxStream<wire::ToAgent>>, Status> {
        let (say, said) = mpsc::unbounded_channel();
        *self.shared.say.lock().unwrap() = Some(say);
        let (heard, mut stream) = (self.heard.clone(), request.into_inner());
        tokio::spawn(async move {
            while let Ok(Some(said)) = stream.message().await {
                let _ = heard.send(Heard::Said(said.message.expect("a message")));
            }
            let _ = heard.send(Heard::Ended);
        });
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(said))))
    }

    async fn fetch(
        &self,
        request: Request<wire::FetchRequest>,
    ) -> Result<Response<BoxStream<wire::FetchResponse>>, Status> {
        let digest = request.into_inner().digest;
        let _ = self.heard.send(Heard::Fetch);
        let bundle = self.shared.bundles.lock().unwrap().get(&digest).cloned();
        let bundle = bundle.ok_or_else(|| Status::not_found("no such bundle"))?;
        let (send, parts) = mpsc::channel(1);
        tokio::spawn(async move {
            for part in bundle.chunks(1000) {
                let _ = send.send(Ok(wire::FetchResponse { part: Bytes::copy_from_slice(part) })).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(parts))))
    }

    async fn find(&self, request: Request<wire::FindRequest>) -> Result<Response<wire::FindResponse>, Status> {
        let version = request.into_inner().version;
        let _ = self.heard.send(Heard::Find(version.clone()));
        let bundles = self.shared.published.lock().unwrap().get(&version).cloned().unwrap_or_default();
        Ok(Response::new(wire::FindResponse { bundles }))
    }
}
