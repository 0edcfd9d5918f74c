//! Tokens in messages, by field numbers: read from a response, put into a request.
//!
//! Both follow protobuf's rules for bytes: of a singular field that is there more than once the last counts, and messages
//! that are there more than once are one (<https://protobuf.dev/programming-guides/encoding/#last-one-wins>).

use prost::encoding::{WireType, encode_key, encode_varint};

use crate::protocol::resume::Token;
use crate::rewrite::wire::{self, Field};
use crate::transport::Resumable;

/// How deep groups may nest in fields that are passed over, as prost has it.
const DEPTH: usize = 100;

/// The token of a response message, as its value lies on the wire without its length; `None` where there is none, or the
/// bytes are no message.
pub(super) fn read<'m>(message: &'m [u8], method: &Resumable) -> Option<&'m [u8]> {
    let value = last(message, method.from, method.token)?;
    let is_zero = match method.token {
        Token::Varint => wire::varint(value, 0, value.len()).is_ok_and(|(number, _)| number == 0),
        Token::Fixed32 | Token::Fixed64 => value.iter().all(|byte| *byte == 0),
        Token::Bytes => value.is_empty(),
    };
    (method.zero_counts || !is_zero).then_some(value)
}

fn last<'m>(message: &'m [u8], path: &[u32], token: Token) -> Option<&'m [u8]> {
    let (number, rest) = path.split_first()?;
    let mut found = None;
    for field in fields(message) {
        let field = field?;
        if field.number != *number {
            continue;
        }
        let value = &message[field.start..field.end];
        if !rest.is_empty() && field.wire == wire::LENGTH {
            found = last(value, rest, token).or(found);
        } else if rest.is_empty() && u32::from(field.wire) == wire_type(token) as u32 {
            found = Some(value);
        }
    }
    found
}

/// The request with a token in its place; `None` where its bytes are no message.
pub(super) fn put(request: &[u8], method: &Resumable, value: &[u8]) -> Option<Vec<u8>> {
    put_at(request, method.into, method.token, value)
}

fn put_at(message: &[u8], path: &[u32], token: Token, value: &[u8]) -> Option<Vec<u8>> {
    let (number, rest) = path.split_first()?;
    let mut put = Vec::with_capacity(message.len() + value.len() + 16);
    let mut within = Vec::new();
    let mut at = 0;
    for field in fields(message) {
        let field = field?;
        if field.number != *number {
            put.extend_from_slice(&message[at..field.next]);
        } else if field.wire == wire::LENGTH {
            within.extend_from_slice(&message[field.start..field.end]);
        }
        at = field.next;
    }
    if rest.is_empty() {
        let kind = wire_type(token);
        encode_key(*number, kind, &mut put);
        if kind == WireType::LengthDelimited {
            encode_varint(value.len() as u64, &mut put);
        }
        put.extend_from_slice(value);
    } else {
        let within = put_at(&within, rest, token, value)?;
        encode_key(*number, WireType::LengthDelimited, &mut put);
        encode_varint(within.len() as u64, &mut put);
        put.extend_from_slice(&within);
    }
    Some(put)
}

/// The fields of a message, one after the other; `None` for what is none, and nothing behind that.
fn fields(message: &[u8]) -> impl Iterator<Item = Option<Field>> {
    let mut at = Some(0);
    std::iter::from_fn(move || {
        let begin = at.filter(|begin| *begin < message.len())?;
        let field = wire::field(message, begin, message.len(), DEPTH).ok();
        at = field.as_ref().map(|field| field.next);
        Some(field)
    })
}

fn wire_type(token: Token) -> WireType {
    match token {
        Token::Varint => WireType::Varint,
        Token::Fixed32 => WireType::ThirtyTwoBit,
        Token::Fixed64 => WireType::SixtyFourBit,
        Token::Bytes => WireType::LengthDelimited,
    }
}

#[cfg(test)]
mod tests;
