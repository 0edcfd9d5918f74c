//! A server to try a service config against; README.md beside this says how.
//!
//! Its standard input is the listening socket: whoever started it keeps that, and may start the next one on it. It answers
//! each call with what it was sent, and prints `ran ID` with the call's `call-id`, which its response's headers name too; of a call
//! with `only-begin` it sends nothing but these. With a number as its argument it begins each call only when it has come that many
//! times. SIGTERM ends it gracefully, SIGUSR1 lets its health say that it does not serve, SIGUSR2 that it does, SIGHUP tells its
//! peers to go away.

#[cfg(unix)]
mod server {
    use std::collections::HashMap;
    use std::convert::Infallible;
    use std::error::Error;
    use std::future::Future;
    use std::os::fd::AsFd;
    use std::pin::Pin;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Request, Response};
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use straddle::transport::{Beside, HealthHandle, Server};
    use straddle::wire::{Body, NotBegun};
    use tokio::net::TcpListener;
    use tokio::signal::unix::{SignalKind, signal};
    use tonic::Status;
    use tower_service::Service;

    #[derive(Clone)]
    struct Example {
        refusals: usize,
        /// How often each call was refused.
        refused: Arc<Mutex<HashMap<String, usize>>>,
    }

    impl Example {
        fn refuses(&self, id: &str) -> bool {
            let mut refused = self.refused.lock().expect("nobody panics with it");
            let refused = refused.entry(id.to_owned()).or_default();
            *refused += 1;
            *refused <= self.refusals
        }

        async fn answer(self, request: Request<Body>) -> Response<Body> {
            let call_id = request.headers().get("call-id").cloned().unwrap_or(HeaderValue::from_static(""));
            let id = call_id.to_str().unwrap_or_default().to_owned();
            if self.refuses(&id) {
                return NotBegun::answer(request, "this server was told to refuse").await;
            }
            println!("ran {id}");
            let only_begins = request.headers().contains_key("only-begin");
            let sent = match request.into_body().collect().await {
                Ok(sent) => sent.to_bytes(),
                Err(status) => return status.into_http(),
            };
            let mut response = Response::new(if only_begins { never_ends() } else { whole(sent) });
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
            response.headers_mut().insert("call-id", call_id);
            response
        }
    }

    fn whole(message: Bytes) -> Body {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        Body::with_trailers(message, trailers)
    }

    fn never_ends() -> Body {
        Body::new(StreamBody::new(tokio_stream::pending::<Result<Frame<Bytes>, Status>>()))
    }

    impl Service<Request<Body>> for Example {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<Body>) -> Self::Future {
            let example = self.clone();
            Box::pin(async { Ok(example.answer(request).await) })
        }
    }

    #[tokio::main]
    pub(crate) async fn serve() -> Result<(), Box<dyn Error>> {
        let refusals = std::env::args().nth(1).map_or(Ok(0), |refusals| refusals.parse())?;
        let socket = std::net::TcpListener::from(std::io::stdin().as_fd().try_clone_to_owned()?);
        socket.set_nonblocking(true)?;

        let health = HealthHandle::new();
        let service = Beside::new(Example { refusals, refused: Arc::default() }).health(&health);
        let (mut ends, mut drains) = (signal(SignalKind::terminate())?, signal(SignalKind::user_defined1())?);
        let (mut comes_back, mut sends_away) = (signal(SignalKind::user_defined2())?, signal(SignalKind::hangup())?);
        let shutdown = async move {
            ends.recv().await;
        };
        let serving = Server::builder().health(&health).serve(TcpListener::from_std(socket)?, service, shutdown)?;
        let connections = serving.connections();
        health.set_serving();
        println!("ready");
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    Some(()) = drains.recv() => health.set_not_serving(),
                    Some(()) = comes_back.recv() => health.set_serving(),
                    Some(()) = sends_away.recv() => connections.go_away(),
                    else => return,
                }
            }
        });
        serving.await;
        Ok(())
    }
}

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    server::serve()
}

#[cfg(not(unix))]
fn main() {
    eprintln!("this example takes its listening socket as its standard input, which this system does not have");
    std::process::exit(2);
}
