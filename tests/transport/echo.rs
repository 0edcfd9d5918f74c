//! An object that answers what it is asked to, and servers around it.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::PathAndQuery;
use straddle::transport::{Connections, Limits, PeerAddress, Served, Server};
use straddle::wire::{Body, Codec};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::{Stream, StreamExt};
use tonic::client::GrpcService;
use tonic::{Request, Response, Status, Streaming};

/// Longer than anything here takes; a test that waits for more has found an error.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) async fn soon<F: Future>(awaited: F) -> F::Output {
    tokio::time::timeout(SOON, awaited).await.expect("this was to happen soon")
}

/// Echoes; `wait`, `hang`, `panic` and the like do as they say.
#[derive(Clone, Default)]
pub(crate) struct Echo(pub(crate) Arc<Seen>);

/// What an [`Echo`] saw, and what it waits for.
pub(crate) struct Seen {
    /// Calls that came, and unary ones whose message came as well.
    pub(crate) calls: AtomicUsize,
    pub(crate) ran: AtomicUsize,
    pub(crate) started: Semaphore,
    pub(crate) release: Semaphore,
    pub(crate) dropped: Semaphore,
    pub(crate) peers: Mutex<Vec<SocketAddr>>,
}

impl Default for Seen {
    fn default() -> Self {
        let none = || Semaphore::new(0);
        Self {
            calls: AtomicUsize::new(0),
            ran: AtomicUsize::new(0),
            started: none(),
            release: none(),
            dropped: none(),
            peers: Mutex::default(),
        }
    }
}

pub(crate) async fn take(semaphore: &Semaphore) {
    soon(semaphore.acquire()).await.expect("never closed").forget();
}

/// Tells that a call was dropped.
struct OnDrop(Arc<Seen>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.dropped.add_permits(1);
    }
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send>>;
type Texts = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

impl tonic::server::UnaryService<String> for Echo {
    type Response = String;
    type Future = Answer<String>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let seen = self.0.clone();
        Box::pin(async move {
            if let Some(peer) = request.extensions().get::<PeerAddress>() {
                seen.peers.lock().unwrap().push(peer.0);
            }
            let header = |name| request.metadata().get(name).map(|value| value.to_str().unwrap().to_owned());
            let timeout = header("grpc-timeout");
            let labels = (header("straddle-version"), header("straddle-schema"));
            let text = request.into_inner();
            seen.ran.fetch_add(1, Ordering::SeqCst);
            seen.started.add_permits(1);
            match text.as_str() {
                "panic" => panic!("as asked to"),
                "wait" => take(&seen.release).await,
                "hang" => {
                    let _on_drop = OnDrop(seen);
                    std::future::pending::<()>().await;
                }
                "timeout" => return Ok(Response::new(timeout.unwrap_or_default())),
                "labels" => return Ok(Response::new(format!("{labels:?}"))),
                _ => {}
            }
            Ok(Response::new(text))
        })
    }
}

impl tonic::server::StreamingService<String> for Echo {
    type Response = String;
    type ResponseStream = Texts;
    type Future = Answer<Texts>;

    fn call(&mut self, request: Request<Streaming<String>>) -> Self::Future {
        let seen = self.0.clone();
        Box::pin(async move {
            seen.started.add_permits(1);
            let mut messages = request.into_inner();
            let (sender, receiver) = tokio::sync::mpsc::channel(1);
            tokio::spawn(async move {
                while let Some(message) = messages.next().await {
                    if message.as_ref().is_ok_and(|text| text == "wait") {
                        take(&seen.release).await;
                    }
                    if sender.send(message).await.is_err() {
                        break;
                    }
                }
            });
            let texts: Texts = Box::pin(tokio_stream::wrappers::ReceiverStream::new(receiver));
            Ok(Response::new(texts))
        })
    }
}

/// Answers one message with as many as it says, then hangs if it says so.
struct Count;

impl tonic::server::ServerStreamingService<String> for Count {
    type Response = String;
    type ResponseStream = Texts;
    type Future = Answer<Texts>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        Box::pin(async move {
            let text = request.into_inner();
            let hangs = text.ends_with("hang");
            let count: usize = text.trim_end_matches("hang").parse().expect("a number");
            let messages = tokio_stream::iter((0..count).map(|number| {
                assert!(number < 5000, "too many");
                Ok(number.to_string())
            }));
            let texts: Texts =
                if hangs { Box::pin(messages.chain(tokio_stream::pending())) } else { Box::pin(messages) };
            Ok(Response::new(texts))
        })
    }
}

/// Answers all messages with their sizes' sum.
struct Sum(Echo);

impl tonic::server::ClientStreamingService<String> for Sum {
    type Response = String;
    type Future = Answer<String>;

    fn call(&mut self, request: Request<Streaming<String>>) -> Self::Future {
        let seen = self.0.0.clone();
        Box::pin(async move {
            let mut messages = request.into_inner();
            seen.started.add_permits(1);
            take(&seen.release).await;
            let mut sum = 0;
            while let Some(message) = messages.next().await {
                sum += message?.len();
            }
            Ok(Response::new(sum.to_string()))
        })
    }
}

impl tower_service::Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        assert!(request.uri().path() != "/test.Echo/PanicAtOnce", "as asked to");
        let echo = self.clone();
        Box::pin(async move {
            let mut grpc = straddle::wire::Grpc::new(Codec::<String, String>::default());
            let response = match request.uri().path() {
                "/test.Echo/Unary" => grpc.unary(echo, request).await,
                "/test.Echo/Count" => grpc.server_streaming(Count, request).await,
                "/test.Echo/Sum" => grpc.client_streaming(Sum(echo), request).await,
                "/test.Echo/Both" => grpc.streaming(echo, request).await,
                path => Status::unimplemented(path.to_owned()).into_http(),
            };
            Ok(response)
        })
    }
}

/// A Straddle server at work.
pub(crate) struct Running {
    pub(crate) address: String,
    pub(crate) connections: Connections,
    pub(crate) shutdown: oneshot::Sender<()>,
    pub(crate) served: JoinHandle<Served>,
}

impl Running {
    pub(crate) async fn stop(self) -> Served {
        // A server that is over needs no telling.
        let _ = self.shutdown.send(());
        soon(self.served).await.expect("the server does not panic")
    }
}

pub(crate) async fn start(limits: Limits, echo: &Echo) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    start_on(listener, Server::builder().limits(limits), echo.clone())
}

pub(crate) fn start_on<S>(listener: TcpListener, server: Server, service: S) -> Running
where
    S: tower_service::Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let (shutdown, told) = oneshot::channel();
    // Whoever drops the sender wants the server to go on.
    let told = async move {
        if told.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let serving = server.serve(listener, service, told).unwrap();
    let (address, connections) = (serving.local_addr().to_string(), serving.connections());
    Running { address, connections, shutdown, served: tokio::spawn(serving) }
}

/// A client of [`Echo`], over any channel.
pub(crate) struct Client<T>(pub(crate) T);

impl<T> Client<T>
where
    T: GrpcService<tonic::body::Body> + Clone,
    T::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    async fn grpc(&self) -> Result<tonic::client::Grpc<T>, Status> {
        let mut grpc = tonic::client::Grpc::new(self.0.clone()).max_decoding_message_size(usize::MAX);
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        Ok(grpc)
    }

    pub(crate) async fn at(&self, path: &'static str, request: Request<String>) -> Result<String, Status> {
        let path = PathAndQuery::from_static(path);
        let response = self.grpc().await?.unary(request, path, Codec::<String, String>::default()).await?;
        Ok(response.into_inner())
    }

    pub(crate) async fn unary(&self, text: &str) -> Result<String, Status> {
        self.at("/test.Echo/Unary", Request::new(text.to_owned())).await
    }

    pub(crate) async fn within(&self, timeout: Duration, text: &str) -> Result<String, Status> {
        let mut request = Request::new(text.to_owned());
        request.set_timeout(timeout);
        self.at("/test.Echo/Unary", request).await
    }

    pub(crate) async fn count(&self, request: Request<String>) -> Result<Streaming<String>, Status> {
        let path = PathAndQuery::from_static("/test.Echo/Count");
        Ok(self.grpc().await?.server_streaming(request, path, Codec::<String, String>::default()).await?.into_inner())
    }

    pub(crate) async fn sum<M>(&self, messages: M) -> Result<String, Status>
    where
        M: Stream<Item = String> + Send + 'static,
    {
        let path = PathAndQuery::from_static("/test.Echo/Sum");
        let codec = Codec::<String, String>::default();
        Ok(self.grpc().await?.client_streaming(Request::new(messages), path, codec).await?.into_inner())
    }

    pub(crate) async fn both<M>(&self, messages: M) -> Result<Streaming<String>, Status>
    where
        M: Stream<Item = String> + Send + 'static,
    {
        let path = PathAndQuery::from_static("/test.Echo/Both");
        let codec = Codec::<String, String>::default();
        Ok(self.grpc().await?.streaming(Request::new(messages), path, codec).await?.into_inner())
    }
}

/// tonic's own channel to a Straddle server.
pub(crate) async fn tonic_channel(address: &str) -> tonic::transport::Channel {
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
    soon(endpoint.connect()).await.unwrap()
}
