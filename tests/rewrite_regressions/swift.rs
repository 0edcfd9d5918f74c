//! What the swift way and the one in place have to look at.

use straddle::protocol::plan::Use;

use super::{Case, agree, becomes};

#[test]
fn a_zero_whose_upper_bits_do_not_count_is_a_zero() {
    let versions = [
        ("message M { int32 maybe = 28; }", ""),
        ("import \"google/protobuf/wrappers.proto\"; message M { google.protobuf.Int32Value maybe = 28; }", ""),
    ];
    // 2^32, whose lowest 32 bits are what an int32 is.
    let bytes = b"\xe0\x01\x80\x80\x80\x80\x10";
    becomes(&Case { versions: &versions, from: 0, to: 1, used: Use::Request, bytes, refused: false }, b"");
}

#[test]
fn a_tag_may_be_longer_than_it_has_to_be() {
    let versions = [("message M { int32 a = 1; }", ""), ("message M { int32 a = 2; }", "")];
    for bytes in [&b"\x88\x00\x05"[..], b"\x88\x80\x00\x05", b"\x88\x80\x80\x80\x00\x05"] {
        becomes(&Case { versions: &versions, from: 0, to: 1, used: Use::Request, bytes, refused: false }, b"\x10\x05");
    }
}

#[test]
fn arms_that_are_messages_push_each_other_out_where_only_numbers_change() {
    let rules = "[messages.\"p.M\"]\nrules = [{ old = \"c\", new = \"d\" }]\n";
    let arms = "oneof o { M a = 1; M b = 2; }";
    let (old, new) = (format!("message M {{ {arms} int32 c = 3; }}"), format!("message M {{ {arms} int32 d = 4; }}"));
    // `a` with a number in it, and then `b`; and `a` in two pieces.
    for bytes in [&[0x0a, 0x02, 0x18, 0x05, 0x12, 0x00][..], &[0x0a, 0x02, 0x18, 0x05, 0x0a, 0x02, 0x18, 0x06]] {
        let versions = [(old.as_str(), ""), (new.as_str(), rules)];
        agree(&Case { versions: &versions, from: 0, to: 1, used: Use::Request, bytes, refused: false });
    }
}
