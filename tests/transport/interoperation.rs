//! Each side against tonic's own transport.

use std::convert::Infallible;
use std::task::{Context, Poll};

use straddle::transport::{Channel, Limits};
use straddle::wire::Body;
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tonic::Request;
use tonic::client::GrpcService;

use crate::echo::{Client, Echo, soon, start, tonic_channel};

/// Calls all four kinds of methods.
async fn call_all_kinds<T>(client: &Client<T>, echo: &Echo)
where
    T: GrpcService<tonic::body::Body> + Clone,
    T::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    assert_eq!(client.unary("hello").await.unwrap(), "hello");
    assert_eq!(client.unary("").await.unwrap(), "");
    let large = "x".repeat(3 << 20);
    assert_eq!(client.unary(&large).await.unwrap(), large);

    let counted = client.count(Request::new("1000".to_owned())).await.unwrap();
    let counted: Vec<_> = counted.map(|text| text.unwrap()).collect().await;
    assert_eq!(counted.len(), 1000);
    assert_eq!(counted[999], "999");

    echo.0.release.add_permits(1);
    let messages = tokio_stream::iter((0..1000).map(|_| "12345".to_owned()));
    assert_eq!(client.sum(messages).await.unwrap(), "5000");

    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let messages = tokio_stream::wrappers::UnboundedReceiverStream::new(receiver);
    let mut echoed = client.both(messages).await.unwrap();
    for text in ["one", "two", "three"] {
        // The next message goes only after the last came back: the streams run side by side.
        sender.send(text.to_owned()).unwrap();
        assert_eq!(echoed.next().await.unwrap().unwrap(), text);
    }
    drop(sender);
    assert!(echoed.next().await.is_none());

    let status = client.at("/test.Echo/Nothing", Request::new(String::new())).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unimplemented);
}

#[tokio::test]
async fn the_channel_and_the_server_speak_all_kinds_of_methods() {
    let echo = Echo::default();
    let running = start(Limits::default(), &echo).await;
    let client = Client(Channel::owner(&running.address).build().unwrap());
    soon(call_all_kinds(&client, &echo)).await;
    assert_eq!(running.stop().await.connections, 1);
}

#[tokio::test]
async fn tonic_s_channel_calls_our_server() {
    let echo = Echo::default();
    let running = start(Limits::default(), &echo).await;
    soon(call_all_kinds(&Client(tonic_channel(&running.address).await), &echo)).await;
}

#[tokio::test]
async fn our_channel_calls_tonic_s_server() {
    let echo = Echo::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    let server = tonic::transport::Server::builder().add_service(InTonic(echo.clone()));
    let serving = tokio::spawn(server.serve_with_incoming(incoming));
    soon(call_all_kinds(&Client(Channel::owner(address).build().unwrap()), &echo)).await;
    serving.abort();
}

/// Our test object, as tonic's server wants it.
#[derive(Clone)]
struct InTonic(Echo);

impl tonic::server::NamedService for InTonic {
    const NAME: &'static str = "test.Echo";
}

impl tower_service::Service<http::Request<tonic::body::Body>> for InTonic {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = <Echo as tower_service::Service<http::Request<Body>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        tower_service::Service::call(&mut self.0, request.map(Body::from))
    }
}
