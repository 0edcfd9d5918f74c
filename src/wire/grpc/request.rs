//! The one message of a request, as tonic's server reads it.

use std::future::poll_fn;
use std::pin::pin;

use bytes::Buf;
use http::Request;
use http_body::Body as HttpBody;
use prost::Message;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use super::BoxError;
use crate::wire::codec::decode;
use crate::wire::messages::{FramingError, Messages, WireMessage};

/// Reads a request to its end. Messages after the first have to be right, but nobody sees them.
pub(super) async fn read<U, B>(request: Request<B>, limit: usize) -> Result<tonic::Request<U>, Status>
where
    U: Message + Default,
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    let (mut parts, body) = request.into_parts();
    let mut body = pin!(body);
    let mut messages = Messages::new(limit);
    let mut first = None;
    while !body.is_end_stream()
        && let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await
    {
        let frame = match frame.map_err(|error| Status::from_error(error.into())) {
            Ok(frame) => frame,
            // The caller went away; a message that came whole is still served, if anybody polls for it.
            Err(status) if status.code() == Code::Cancelled => break,
            Err(status) => return Err(status),
        };
        match frame.into_data() {
            Ok(mut data) => {
                // Of `Bytes`, this is no copy.
                let mut data = data.copy_to_bytes(data.remaining());
                while let Some(message) = messages.next(&mut data).map_err(|error| unframed(&error))? {
                    let message = plain(message)?;
                    first.get_or_insert(message);
                }
            }
            Err(frame) => {
                parts.headers.extend(frame.into_trailers().unwrap_or_default());
                break;
            }
        }
    }
    if messages.is_midway() {
        return Err(Status::internal("Unexpected EOF decoding stream."));
    }
    let message = first.ok_or_else(|| Status::internal("Missing request message."))?;
    Ok(tonic::Request::from_parts(MetadataMap::from_headers(parts.headers), parts.extensions, message))
}

fn plain<U: Message + Default>(message: WireMessage) -> Result<U, Status> {
    if message.compressed {
        // gRPC's compression.md wants INTERNAL for a compressed message of a call that named no encoding.
        return Err(Status::internal(
            "protocol error: received message with compressed-flag but no grpc-encoding was specified",
        ));
    }
    decode(message.bytes)
}

/// With tonic's codes and words.
#[cold]
fn unframed(error: &FramingError) -> Status {
    match error {
        FramingError::TooLarge { length, limit } => Status::out_of_range(format!(
            "Error, decoded message length too large: found {length} bytes, the limit is: {limit} bytes"
        )),
        FramingError::BadFlag(flag) => Status::internal(format!(
            "protocol error: received message with invalid compression flag: {flag} \
             (valid flags are 0 and 1), while sending request"
        )),
    }
}
