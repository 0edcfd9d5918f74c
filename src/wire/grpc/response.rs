//! Answers: their headers, their messages' frames, and the status at their end.

use bytes::{BufMut, Bytes, BytesMut};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Version, header};
use prost::Message;
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::Response;
use crate::wire::messages::PREFIX;
use crate::wire::{Body, pool};

/// What metadata may not say, because gRPC itself does (gRPC over HTTP/2, *Response-Headers*).
const RESERVED: [HeaderName; 5] = [
    header::TE,
    header::CONTENT_TYPE,
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-message-type"),
    HeaderName::from_static("grpc-status"),
];

/// An answer of one message of at most `limit` bytes.
pub(super) fn one<T: Message>(answer: tonic::Response<T>, limit: usize) -> Response {
    let (metadata, message, extensions) = answer.into_parts();
    let body = match length(&message, limit) {
        Ok(length) => {
            let mut data = pool::take(PREFIX + length as usize);
            put(&message, length, &mut data);
            Body::answer(pool::freeze(data))
        }
        // What cannot be told in trailers is no status that is made here.
        Err(status) => Body::with_trailers(Bytes::new(), trailers(&status).unwrap_or_default()),
    };
    respond(metadata, extensions, body)
}

pub(super) fn respond(metadata: MetadataMap, extensions: Extensions, body: Body) -> Response {
    let mut response = http::Response::new(body);
    let mut headers = metadata.into_headers();
    if !headers.is_empty() {
        for name in &RESERVED {
            headers.remove(name);
        }
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    *response.version_mut() = Version::HTTP_2;
    *response.headers_mut() = headers;
    *response.extensions_mut() = extensions;
    response
}

/// The length that the message's prefix says.
pub(super) fn length(message: &impl Message, limit: usize) -> Result<u32, Status> {
    let length = message.encoded_len();
    if length > limit {
        return Err(Status::out_of_range(format!(
            "Error, encoded message length too large: found {length} bytes, the limit is: {limit} bytes"
        )));
    }
    u32::try_from(length).map_err(|_| {
        Status::resource_exhausted(format!("Cannot return body with more than 4GB of data but got {length} bytes"))
    })
}

/// Appends the message behind its prefix.
pub(super) fn put(message: &impl Message, length: u32, data: &mut BytesMut) {
    data.put_u8(0);
    data.put_u32(length);
    message.encode_raw(data);
}

/// The trailers of an answer that went well.
pub(super) fn ok() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
    trailers
}

/// The trailers that tell of a status.
pub(super) fn trailers(status: &Status) -> Result<HeaderMap, Status> {
    let mut trailers = HeaderMap::with_capacity(3);
    status.add_header(&mut trailers)?;
    Ok(trailers)
}
