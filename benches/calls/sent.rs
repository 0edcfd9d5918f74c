//! What the raw driver sends, in frames made beforehand.

use bytes::{BufMut, Bytes, BytesMut};

use crate::echo;
use crate::rules::{v10_0_0 as v10, v11_0_0 as v11};
use crate::workloads::Call;

/// What the message beside the payload says. Its type in 11.0.0 writes it in two bytes, that of older callers in one: an
/// answer that was not rewritten has another length than is expected.
pub(crate) const NUMBER: u32 = 100;

/// One call.
pub(crate) struct Sent {
    pub(crate) path: &'static str,
    pub(crate) data: Bytes,
    /// How many bytes its answer's data have, prefixes included.
    pub(crate) answered: usize,
}

/// A payload and nothing else.
pub(crate) fn plain(call: Call) -> Sent {
    match call {
        Call::Unary { size } => echoed("/bench.echo.v1.Echo/Unary", &echo::Message { payload: payload(size) }),
        Call::Stream { count, size } => Sent {
            path: "/bench.echo.v1.Echo/Stream",
            data: frame(&echo::StreamRequest { count, size }),
            answered: frame(&echo::Message { payload: payload(size as usize) }).len() * count as usize,
        },
    }
}

/// A payload and a number, as callers of 1.0.0 and of 10.0.0 say them.
pub(crate) fn numbered(call: Call) -> Sent {
    let message = |size| v10::Message { content: payload(size), ordinal: NUMBER };
    match call {
        Call::Unary { size } => echoed("/bench.rules.v1.Echo/Unary", &message(size)),
        Call::Stream { count, size } => Sent {
            path: "/bench.rules.v1.Echo/Stream",
            data: frame(&v10::StreamRequest { times: count, length: size }),
            answered: frame(&message(size as usize)).len() * count as usize,
        },
    }
}

/// The same as the node's own callers say it.
pub(crate) fn numbered_natively(call: Call) -> Sent {
    let message = |size| v11::Message { body: payload(size), position: NUMBER.into() };
    match call {
        Call::Unary { size } => echoed("/bench.rules.v1.Echo/Unary", &message(size)),
        Call::Stream { count, size } => Sent {
            path: "/bench.rules.v1.Echo/Stream",
            data: frame(&v11::StreamRequest { messages: count, bytes: size.into() }),
            answered: frame(&message(size as usize)).len() * count as usize,
        },
    }
}

fn echoed(path: &'static str, message: &impl prost::Message) -> Sent {
    let data = frame(message);
    Sent { path, answered: data.len(), data }
}

fn payload(size: usize) -> Bytes {
    vec![7; size].into()
}

fn frame(message: &impl prost::Message) -> Bytes {
    let length = message.encoded_len();
    let mut data = BytesMut::with_capacity(5 + length);
    data.put_u8(0);
    data.put_u32(u32::try_from(length).expect("a message of less than 4 GiB"));
    message.encode(&mut data).expect("room was made for it");
    data.freeze()
}
