//! Over a socket, by tonic's client.

use std::convert::Infallible;

use http::{Request, Uri};
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use straddle::node::Node;
use straddle::transport::{Limits, Server};
use straddle::wire::Codec;
use tokio::net::{TcpListener, TcpStream};
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;
use tonic::{Code, Status};

use crate::shop::{New, Old, object, protocol};

/// Largest message that the server takes.
const LIMIT: u32 = 64 * 1024;

/// The address of a node that runs 2.0.0 and answers with one more than it was asked.
async fn serve() -> String {
    let object = object(|stock: New| Ok(New { quantity: stock.quantity + 1, ..stock }));
    let node = Node::builder(protocol()).object("2.0.0", object).build().expect("a node").service();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let limits = Limits { max_message_size: LIMIT, ..Limits::default() };
    let serving = Server::builder().limits(limits).serve(listener, node, std::future::pending()).expect("a server");
    tokio::spawn(serving);
    address.to_string()
}

fn large(qty: i32) -> Old {
    Old { name: "nail ".repeat(1_000), qty }
}

async fn put(address: &str, encoding: Option<CompressionEncoding>, stock: Old) -> Result<(Old, bool), Status> {
    let channel = Endpoint::try_from(format!("http://{address}")).expect("an address").connect_lazy();
    let mut client = tonic::client::Grpc::new(channel);
    if let Some(encoding) = encoding {
        client = client.send_compressed(encoding).accept_compressed(encoding);
    }
    client.ready().await.expect("a connection");
    let mut request = tonic::Request::new(stock);
    request.metadata_mut().insert("straddle-version", MetadataValue::from_static("1.0.0"));
    let path = http::uri::PathAndQuery::from_static("/shop.v1.Shop/Put");
    let answered = client.unary(request, path, Codec::<Old, Old>::default()).await?;
    let compressed = answered.metadata().get("grpc-encoding").is_some();
    Ok((answered.into_inner(), compressed))
}

#[tokio::test]
async fn compressed_calls_cross_rules() {
    let address = serve().await;
    #[cfg(feature = "zstd")]
    let all = [None, Some(CompressionEncoding::Gzip), Some(CompressionEncoding::Zstd)];
    #[cfg(not(feature = "zstd"))]
    let all = [None, Some(CompressionEncoding::Gzip)];
    for encoding in all {
        let (answered, compressed) = put(&address, encoding, large(7)).await.expect("an answer");
        assert_eq!((answered, compressed), (large(8), encoding.is_some()), "{encoding:?}");
    }
}

#[tokio::test]
async fn a_message_may_hold_no_more_than_the_server_takes_however_small_it_was_squeezed() {
    let address = serve().await;
    let bomb = |length: usize| Old { name: "x".repeat(length), qty: 1 };
    let limit = LIMIT as usize;
    assert!(put(&address, Some(CompressionEncoding::Gzip), bomb(limit - 100)).await.is_ok());
    let refused = put(&address, Some(CompressionEncoding::Gzip), bomb(limit)).await.expect_err("too large");
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert!(refused.message().contains("once it is decompressed"), "{refused:?}");
    assert!(put(&address, None, bomb(limit)).await.is_err());
}

#[tokio::test]
async fn a_refused_stream_leaves_the_connection_to_other_calls() {
    let address = serve().await;
    let stream = TcpStream::connect(&address).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.expect("HTTP/2");
    tokio::spawn(connection);
    for _ in 0..200 {
        // Bytes that are no stock, then more of them than the answer waits for.
        let frames = std::iter::repeat_n(&b"\0\0\0\0\x01\xff"[..], 20);
        let frames = frames.map(|data| Ok::<_, Infallible>(http_body::Frame::data(bytes::Bytes::from_static(data))));
        let body = http_body_util::StreamBody::new(tokio_stream::iter(frames.collect::<Vec<_>>()));
        let uri: Uri = format!("http://{address}/shop.v1.Shop/Sum").parse().expect("an address");
        let request = Request::post(uri).header("straddle-version", "1.0.0").header("te", "trailers").body(body);
        let response = sender.send_request(request.expect("a request")).await.expect("the connection lives");
        let status = Status::from_header_map(response.headers()).expect("a status");
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        response.into_body().collect().await.expect("its end");
    }
}
