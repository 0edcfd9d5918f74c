//! As `direct`, with other settings of the codec.

use std::marker::PhantomData;
use std::sync::Arc;

use straddle::wire::Body;
use tokio::net::TcpListener;
use tonic::Status;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, ServerStreamingService, UnaryService};

use super::Ours;
use crate::candidates::Serving;
use crate::echo::straddle::echo_server::Echo;
use crate::echo::{Message, StreamRequest};
use crate::servers::tonic::Messages;

/// With an encoding buffer of `BUFFER` KiB that is sent from `COALESCE` KiB on.
pub(crate) fn serve<const BUFFER: usize, const COALESCE: usize>(listener: TcpListener) -> Serving {
    super::serve(listener, move |request| async move {
        let answer = if request.uri().path().ends_with("/Stream") {
            let mut grpc = Grpc::new(Codec::<BUFFER, COALESCE, Message, StreamRequest>(PhantomData));
            grpc.server_streaming(Call(Arc::new(Ours)), request.map(Body::from)).await
        } else {
            let mut grpc = Grpc::new(Codec::<BUFFER, COALESCE, Message, Message>(PhantomData));
            grpc.unary(Call(Arc::new(Ours)), request.map(Body::from)).await
        };
        answer.map(Body::from)
    })
}

struct Call(Arc<Ours>);

type Answer<T> = std::pin::Pin<Box<dyn Future<Output = Result<tonic::Response<T>, Status>> + Send>>;

impl UnaryService<Message> for Call {
    type Response = Message;
    type Future = Answer<Message>;
    fn call(&mut self, request: tonic::Request<Message>) -> Self::Future {
        let object = Arc::clone(&self.0);
        Box::pin(async move { object.unary(request).await })
    }
}

impl ServerStreamingService<StreamRequest> for Call {
    type Response = Message;
    type ResponseStream = Messages;
    type Future = Answer<Messages>;
    fn call(&mut self, request: tonic::Request<StreamRequest>) -> Self::Future {
        let object = Arc::clone(&self.0);
        Box::pin(async move { object.stream(request).await })
    }
}

struct Codec<const BUFFER: usize, const COALESCE: usize, T, U>(PhantomData<fn(T) -> U>);

impl<const B: usize, const C: usize, T, U> tonic::codec::Codec for Codec<B, C, T, U>
where
    T: prost::Message + 'static,
    U: prost::Message + Default + 'static,
{
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

impl<const B: usize, const C: usize, T: prost::Message, U> Encoder for Codec<B, C, T, U> {
    type Item = T;
    type Error = Status;
    fn encode(&mut self, message: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(message.encoded_len());
        message.encode_raw(buffer);
        Ok(())
    }
    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(B * 1024, C * 1024)
    }
}

impl<const B: usize, const C: usize, T, U: prost::Message + Default> Decoder for Codec<B, C, T, U> {
    type Item = U;
    type Error = Status;
    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        U::decode(buffer).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(0, C * 1024)
    }
}
