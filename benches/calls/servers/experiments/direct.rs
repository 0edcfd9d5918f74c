//! tonic's generated server with Straddle's codec, right behind hyper: no router, no transport of tonic.

use straddle::wire::Body;
use tokio::net::TcpListener;
use tower_service::Service;

use super::Ours;
use crate::candidates::Serving;
use crate::echo::straddle::echo_server::EchoServer;

pub(crate) fn serve(listener: TcpListener) -> Serving {
    let server = EchoServer::new(Ours);
    super::serve(listener, move |request| {
        let mut server = server.clone();
        async move {
            let answer = server.call(request.map(Body::from)).await;
            answer.unwrap_or_else(|never| match never {}).map(Body::from)
        }
    })
}
