//! The protobuf codec of generated code.

use std::marker::PhantomData;

use bytes::Buf;
use prost::Message;
use tonic::Status;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// First size of a call's buffer in tonic's hands, and the steps by which it grows when it decompresses: so not 0. A
/// message larger than what is left makes room for just itself.
const FIRST: usize = 256;
/// A stream's ready messages are sent together up to this size: one HTTP/2 frame each would be many times slower and
/// would eat up the peer's budget for small frames (RUSTSEC-2026-0258).
const COALESCE: usize = 32 * 1024;

/// Encodes `T` and decodes `U` with prost, into buffers that are sized from the message.
///
/// tonic's own codec sets 8 KiB aside for each direction of each call and grows by doubling from there; this one
/// takes what the message needs, which is less for a small message and no second copy for a large one.
#[derive(Debug)]
pub struct Codec<T, U>(PhantomData<fn(T) -> U>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Clone for Codec<T, U> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<T: Message + 'static, U: Message + Default + 'static> tonic::codec::Codec for Codec<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self(PhantomData)
    }

    fn decoder(&mut self) -> Self {
        Self(PhantomData)
    }
}

impl<T: Message, U> Encoder for Codec<T, U> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, message: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(message.encoded_len());
        message.encode_raw(buffer);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(FIRST, COALESCE)
    }
}

impl<T, U: Message + Default> Decoder for Codec<T, U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        decode(buffer).map(Some)
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(FIRST, COALESCE)
    }
}

/// Reads the bytes of one message.
pub(super) fn decode<U: Message + Default>(bytes: impl Buf) -> Result<U, Status> {
    U::decode(bytes).map_err(|error| {
        // Of a request, this is the caller's fault; of a response, tonic's client adds what it was doing.
        Status::internal(format!("the message cannot be read as {}: {error}", std::any::type_name::<U>()))
    })
}
