//! Reading a page of another program of this machine, over HTTP/1.1.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long it may take, and how large it may be.
const PATIENCE: Duration = Duration::from_secs(5);
const LARGEST: usize = 64 << 20;

/// The text of a page.
///
/// # Errors
/// Says why there is none.
pub(crate) async fn read_page(address: &str, path: &str) -> Result<String, String> {
    let read = timeout(PATIENCE, read(address, path)).await;
    read.unwrap_or_else(|_| Err("it did not answer in time".to_owned()))
        .map_err(|why| format!("http://{address}{path} cannot be read: {why}"))
}

async fn read(address: &str, path: &str) -> Result<String, String> {
    let stream = TcpStream::connect(address).await.map_err(in_words)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(in_words)?;
    let request = Request::get(path).header(header::HOST, address).header(header::CONNECTION, "close");
    let request = request.body(Empty::<Bytes>::new()).map_err(in_words)?;
    let reading = async {
        let response = sender.send_request(request).await.map_err(in_words)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST).collect().await.map_err(|error| error.to_string())?;
        if status != StatusCode::OK {
            return Err(format!("it answers {status}"));
        }
        String::from_utf8(body.to_bytes().into()).map_err(in_words)
    };
    let mut reading = std::pin::pin!(reading);
    tokio::select! {
        read = &mut reading => read,
        // What came before the connection's end may still be read.
        ended = connection => match ended {
            Ok(()) => reading.await,
            Err(error) => Err(error.to_string()),
        },
    }
}

fn in_words(error: impl std::error::Error) -> String {
    error.to_string()
}
