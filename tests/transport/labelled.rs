//! Labelled clients, over our channel and over tonic's.

use straddle::refusal::{Reason, Refusal};
use straddle::transport::{Channel, Label, Labelled, Limits, Server};
use straddle::wire::Body;
use tokio::net::TcpListener;
use tonic::Code;

use crate::echo::{Client, Echo, soon, start, start_on, tonic_channel};
use crate::scripted::Frames;

static LABEL: Label = Label { version: "2.1.0", schema: "0123abcd", idempotent: &["/test.Echo/Unary"], resumable: &[] };

#[tokio::test]
async fn calls_are_labelled_over_any_channel() {
    let running = start(Limits::default(), &Echo::default()).await;
    let labels = r#"(Some("2.1.0"), Some("0123abcd"))"#;
    let ours = Client(Labelled::new(Channel::owner(&running.address).build().unwrap(), &LABEL));
    assert_eq!(ours.unary("labels").await.unwrap(), labels);
    let theirs = Client(Labelled::new(tonic_channel(&running.address).await, &LABEL));
    assert_eq!(theirs.unary("labels").await.unwrap(), labels);
}

#[tokio::test]
async fn a_method_that_is_declared_idempotent_is_called_again_when_its_connection_was_lost() {
    for (path, again) in [("/test.Echo/Unary", true), ("/test.Echo/Other", false)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let channel = Channel::owner(listener.local_addr().unwrap().to_string()).build().unwrap();
        let client = Client(Labelled::new(channel, &LABEL));
        let call = tokio::spawn(async move { client.at(path, tonic::Request::new("hello".to_owned())).await });
        let mut frames = Frames::accept(&listener).await;
        frames.read_request().await;
        drop(frames);
        let running = start_on(listener, Server::builder(), Echo::default());
        assert_eq!(soon(call).await.unwrap().is_ok(), again, "{path}");
        running.shutdown.send(()).unwrap();
    }
}

#[tokio::test]
async fn a_response_of_another_schema_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = start_on(listener, Server::builder(), OtherSchema(Echo::default()));
    let client = Client(Labelled::new(Channel::owner(&running.address).build().unwrap(), &LABEL));
    let status = client.unary("hello").await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    let refusal = Refusal::from_status(&status).unwrap();
    assert_eq!((refusal.reason(), refusal.ran()), (Reason::LabelMismatch, true));
    assert_eq!(refusal.node_version(), Some("3.0.0"));
}

/// Answers with another digest than the caller's.
#[derive(Clone)]
struct OtherSchema(Echo);

impl tower_service::Service<http::Request<Body>> for OtherSchema {
    type Response = http::Response<Body>;
    type Error = std::convert::Infallible;
    type Future =
        std::pin::Pin<Box<dyn Future<Output = Result<http::Response<Body>, std::convert::Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            for (name, value) in
                [("straddle-version", "2.1.0"), ("straddle-schema", "4567cdef"), ("straddle-node", "3.0.0")]
            {
                response.headers_mut().insert(name, http::HeaderValue::from_static(value));
            }
            Ok(response)
        })
    }
}
