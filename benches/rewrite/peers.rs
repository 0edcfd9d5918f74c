//! Peer (a): prost decodes, a conversion written by hand turns one typed message into another, prost encodes.

#[allow(unreachable_pub, reason = "made by prost's derive")]
pub(crate) mod base;
mod conversions;
mod expressions;
mod nesting;
mod renames;

use bytes::Bytes;
use prost::Message;

/// From bytes of the older version to bytes of the newer one.
pub(crate) type Convert = fn(Bytes) -> Vec<u8>;

/// The conversion of `kind` for the message with this name.
pub(crate) fn typed(kind: &str, message: &str) -> Option<Convert> {
    macro_rules! of {
        ($module:ident) => {
            match message {
                "Order" => through::<base::Order, $module::Order>,
                "Flat" => through::<base::Flat, $module::Flat>,
                "Blob" => through::<base::Blob, $module::Blob>,
                "Many" => through::<base::Many, $module::Many>,
                _ => return None,
            }
        };
    }
    Some(match kind {
        "same" => of!(base),
        "renames" => of!(renames),
        "conversions" => of!(conversions),
        "nesting" => of!(nesting),
        "expressions" => match message {
            "Order" => |bytes| expressions::order(decoded(bytes)).encode_to_vec(),
            "Flat" => |bytes| expressions::flat(decoded(bytes)).encode_to_vec(),
            "Blob" => |bytes| expressions::blob(decoded(bytes)).encode_to_vec(),
            "Many" => |bytes| expressions::many(decoded(bytes)).encode_to_vec(),
            _ => return None,
        },
        _ => return None,
    })
}

fn through<Old: Message + Default, New: Message + From<Old>>(bytes: Bytes) -> Vec<u8> {
    New::from(decoded::<Old>(bytes)).encode_to_vec()
}

fn decoded<Old: Message + Default>(bytes: Bytes) -> Old {
    Old::decode(bytes).expect("what this program encoded")
}
