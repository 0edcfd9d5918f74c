//! What `straddle check` says of data in flight, held against real bytes: written with one version, read with the other.
//!
//! The reader here is prost's, which refuses a message where a wire type is not the declared one, keeps no enum closed, and
//! checks no required fields; what the texts say of other runtimes is not held here.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use straddle::check::Image;
use straddle::check::Side::{self, New, Old};
use straddle::check::compare::{Options, compare};

/// What the message M was, what it is, the rule that tells of it, what of the texts is held here (of the old reader, of the
/// new reader), and what one side writes and the other reads.
struct Case {
    old: &'static str,
    new: &'static str,
    rule: &'static str,
    old_reader: &'static str,
    new_reader: &'static str,
    /// Who writes, what, and what the other one reads; `refused` where it reads nothing.
    messages: &'static [(Side, &'static str, &'static str)],
}

const TYPE: &str = "FIELD_SAME_TYPE";
const CARDINALITY: &str = "FIELD_SAME_CARDINALITY";
const SAME: &str = "reads what was written";

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { old: "int32 x = 1;", new: "sint32 x = 1;", rule: TYPE, old_reader: "1 reads as 2, -1 as 1", new_reader: "2 reads as 1, 1 as -1", messages: &[(New, r#"{"x":1}"#, r#"{"x":2}"#), (New, r#"{"x":-1}"#, r#"{"x":1}"#), (Old, r#"{"x":2}"#, r#"{"x":1}"#), (Old, r#"{"x":1}"#, r#"{"x":-1}"#)] },
    Case { old: "int64 x = 1;", new: "int32 x = 1;", rule: TYPE, old_reader: SAME, new_reader: "4294967298 reads as 2", messages: &[(Old, r#"{"x":"4294967298"}"#, r#"{"x":2}"#), (New, r#"{"x":-5}"#, r#"{"x":"-5"}"#)] },
    Case { old: "sint64 x = 1;", new: "sint32 x = 1;", rule: TYPE, old_reader: SAME, new_reader: "4294967298 reads as 2", messages: &[(Old, r#"{"x":"4294967298"}"#, r#"{"x":2}"#), (New, r#"{"x":-5}"#, r#"{"x":"-5"}"#)] },
    Case { old: "uint32 x = 1;", new: "int32 x = 1;", rule: TYPE, old_reader: "-1 as 4294967295", new_reader: "from 2147483648 on as negative: 4294967295 as -1", messages: &[(Old, r#"{"x":4294967295}"#, r#"{"x":-1}"#), (Old, r#"{"x":2147483648}"#, r#"{"x":-2147483648}"#), (Old, r#"{"x":2147483647}"#, r#"{"x":2147483647}"#), (New, r#"{"x":-1}"#, r#"{"x":4294967295}"#)] },
    Case { old: "int32 x = 1;", new: "uint64 x = 1;", rule: TYPE, old_reader: "4294967298 reads as 2", new_reader: "-1 as 18446744073709551615", messages: &[(Old, r#"{"x":-1}"#, r#"{"x":"18446744073709551615"}"#), (New, r#"{"x":"4294967298"}"#, r#"{"x":2}"#)] },
    Case { old: "uint32 x = 1;", new: "int64 x = 1;", rule: TYPE, old_reader: "4294967298 reads as 2", new_reader: SAME, messages: &[(Old, r#"{"x":4294967295}"#, r#"{"x":"4294967295"}"#), (New, r#"{"x":"4294967298"}"#, r#"{"x":2}"#)] },
    Case { old: "uint64 x = 1;", new: "int64 x = 1;", rule: TYPE, old_reader: "-1 as 18446744073709551615", new_reader: "from 9223372036854775808 on as negative: 18446744073709551615 as -1", messages: &[(Old, r#"{"x":"18446744073709551615"}"#, r#"{"x":"-1"}"#), (Old, r#"{"x":"9223372036854775808"}"#, r#"{"x":"-9223372036854775808"}"#), (New, r#"{"x":"-1"}"#, r#"{"x":"18446744073709551615"}"#)] },
    Case { old: "bool x = 1;", new: "int32 x = 1;", rule: TYPE, old_reader: "any other number as true", new_reader: "true as 1", messages: &[(Old, r#"{"x":true}"#, r#"{"x":1}"#), (New, r#"{"x":7}"#, r#"{"x":true}"#)] },
    Case { old: "bool x = 1;", new: "sint32 x = 1;", rule: TYPE, old_reader: "any other number as true", new_reader: "true as -1", messages: &[(Old, r#"{"x":true}"#, r#"{"x":-1}"#), (New, r#"{"x":-7}"#, r#"{"x":true}"#)] },
    Case { old: "int32 x = 1;", new: "E x = 1;", rule: TYPE, old_reader: "reads the value's number", new_reader: "stay as numbers without a name", messages: &[(Old, r#"{"x":1}"#, r#"{"x":"ONE"}"#), (Old, r#"{"x":5}"#, r#"{"x":5}"#), (New, r#"{"x":"ONE"}"#, r#"{"x":1}"#)] },
    Case { old: "sint32 x = 1;", new: "E x = 1;", rule: TYPE, old_reader: "2 reads as 1, 1 as -1", new_reader: "1 reads as the value 2, -1 as the value 1", messages: &[(Old, r#"{"x":-1}"#, r#"{"x":"ONE"}"#), (Old, r#"{"x":1}"#, r#"{"x":"TWO"}"#), (New, r#"{"x":"TWO"}"#, r#"{"x":1}"#), (New, r#"{"x":"ONE"}"#, r#"{"x":-1}"#)] },
    Case { old: "bool x = 1;", new: "E x = 1;", rule: TYPE, old_reader: "any other number as true", new_reader: "true as the value 1", messages: &[(Old, r#"{"x":true}"#, r#"{"x":"ONE"}"#), (New, r#"{"x":"TWO"}"#, r#"{"x":true}"#)] },
    Case { old: "E x = 1;", new: "F x = 1;", rule: TYPE, old_reader: "under its own enum's name", new_reader: "under its own enum's name", messages: &[(Old, r#"{"x":"ONE"}"#, r#"{"x":"UNO"}"#), (Old, r#"{"x":"TWO"}"#, r#"{"x":2}"#)] },
    Case { old: "fixed32 x = 1;", new: "sfixed32 x = 1;", rule: TYPE, old_reader: "-1 as 4294967295", new_reader: "4294967295 as -1", messages: &[(Old, r#"{"x":4294967295}"#, r#"{"x":-1}"#), (New, r#"{"x":-1}"#, r#"{"x":4294967295}"#)] },
    Case { old: "fixed64 x = 1;", new: "sfixed64 x = 1;", rule: TYPE, old_reader: "-1 as 18446744073709551615", new_reader: "18446744073709551615 as -1", messages: &[(Old, r#"{"x":"18446744073709551615"}"#, r#"{"x":"-1"}"#)] },
    Case { old: "float x = 1;", new: "fixed32 x = 1;", rule: TYPE, old_reader: "1065353216 reads as 1.0", new_reader: "1.0 reads as 1065353216", messages: &[(Old, r#"{"x":1.0}"#, r#"{"x":1065353216}"#), (New, r#"{"x":1065353216}"#, r#"{"x":1.0}"#)] },
    Case { old: "double x = 1;", new: "sfixed64 x = 1;", rule: TYPE, old_reader: "4607182418800017408 reads as 1.0", new_reader: "1.0 reads as 4607182418800017408", messages: &[(Old, r#"{"x":1.0}"#, r#"{"x":"4607182418800017408"}"#), (New, r#"{"x":"4607182418800017408"}"#, r#"{"x":1.0}"#)] },
    Case { old: "string x = 1;", new: "bytes x = 1;", rule: TYPE, old_reader: "gets the bytes as text; where they are no UTF-8, proto3 readers refuse the whole message", new_reader: "byte for byte", messages: &[(Old, r#"{"x":"hé"}"#, r#"{"x":"aMOp"}"#), (New, r#"{"x":"aMOp"}"#, r#"{"x":"hé"}"#), (New, r#"{"x":"/w=="}"#, "refused")] },
    Case { old: "string x = 1;", new: "int32 x = 1;", rule: TYPE, old_reader: "prost refuses the whole message", new_reader: "prost refuses the whole message", messages: &[(Old, r#"{"x":"a"}"#, "refused"), (New, r#"{"x":1}"#, "refused")] },
    Case { old: "float x = 1;", new: "double x = 1;", rule: TYPE, old_reader: "another wire type", new_reader: "another wire type", messages: &[(Old, r#"{"x":1.0}"#, "refused"), (New, r#"{"x":1.0}"#, "refused")] },
    Case { old: "N x = 1;", new: "bytes x = 1;", rule: TYPE, old_reader: "takes the content for an encoded message", new_reader: "gets the message in its encoded form", messages: &[(Old, r#"{"x":{"a":1}}"#, r#"{"x":"CAE="}"#), (New, r#"{"x":"CAE="}"#, r#"{"x":{"a":1}}"#), (New, r#"{"x":"/w=="}"#, "refused")] },
    Case { old: "N x = 1;", new: "O x = 1;", rule: TYPE, old_reader: "as the other type declares it", new_reader: "as the other type declares it", messages: &[(Old, r#"{"x":{"a":2,"b":3}}"#, r#"{"x":{"z":1}}"#)] },
    Case { old: "string x = 1;", new: "repeated string x = 1;", rule: CARDINALITY, old_reader: "reads the last element only; an empty list as absent", new_reader: "a list of one value, or an empty list where it is the default", messages: &[(Old, r#"{"x":"a"}"#, r#"{"x":["a"]}"#), (Old, r#"{"x":""}"#, "{}"), (New, r#"{"x":["a","b"]}"#, r#"{"x":"b"}"#), (New, r#"{"x":[]}"#, "{}")] },
    Case { old: "int32 x = 1;", new: "repeated int32 x = 1;", rule: CARDINALITY, old_reader: "prost refuses the whole message", new_reader: "a list of one value", messages: &[(Old, r#"{"x":3}"#, r#"{"x":[3]}"#), (New, r#"{"x":[1,2]}"#, "refused")] },
    Case { old: "int32 x = 1;", new: "repeated int32 x = 1 [packed = false];", rule: CARDINALITY, old_reader: "reads the last element only", new_reader: "a list of one value", messages: &[(Old, r#"{"x":3}"#, r#"{"x":[3]}"#), (New, r#"{"x":[1,2]}"#, r#"{"x":2}"#)] },
    Case { old: "optional int32 x = 1;", new: "repeated int32 x = 1;", rule: CARDINALITY, old_reader: "prost refuses the whole message", new_reader: "an empty list where it is absent", messages: &[(Old, r#"{"x":0}"#, r#"{"x":[0]}"#), (Old, "{}", "{}")] },
    Case { old: "N x = 1;", new: "repeated N x = 1;", rule: CARDINALITY, old_reader: "of single fields the last one stays, lists are joined", new_reader: "a list of one value", messages: &[(New, r#"{"x":[{"a":1,"c":[1]},{"a":2,"b":3,"c":[2]}]}"#, r#"{"x":{"a":2,"b":3,"c":[1,2]}}"#), (Old, r#"{"x":{"a":1}}"#, r#"{"x":[{"a":1}]}"#)] },
    Case { old: "map<string, int32> x = 1;", new: "repeated XEntry x = 1; message XEntry { string key = 1; int32 value = 2; }", rule: CARDINALITY, old_reader: "of two with one key, the last one stays", new_reader: "entries with the fields key = 1 and value = 2", messages: &[(Old, r#"{"x":{"k":1}}"#, r#"{"x":[{"key":"k","value":1}]}"#), (New, r#"{"x":[{"key":"k","value":1},{"key":"k","value":2}]}"#, r#"{"x":{"k":2}}"#)] },
    Case { old: "int32 x = 1;", new: "optional int32 x = 1;", rule: "STRADDLE_FIELD_SAME_PRESENCE", old_reader: "cannot tell a default that was set from absent", new_reader: "reads the default as absent, because it is not written", messages: &[(Old, r#"{"x":0}"#, "{}"), (New, r#"{"x":0}"#, "{}"), (Old, r#"{"x":3}"#, r#"{"x":3}"#)] },
    Case { old: "int32 x = 1; int32 y = 2;", new: "oneof o { int32 x = 1; int32 y = 2; }", rule: "FIELD_SAME_ONEOF", old_reader: "reads what was written: at most one of the fields was set", new_reader: "comes last in the bytes; the others it drops", messages: &[(Old, r#"{"x":1,"y":2}"#, r#"{"y":2}"#), (New, r#"{"x":1}"#, r#"{"x":1}"#)] },
    Case { old: "oneof o { int32 x = 1; int32 y = 2; }", new: "int32 x = 1; int32 y = 2;", rule: "FIELD_SAME_ONEOF", old_reader: "comes last in the bytes; the others it drops", new_reader: "at most one of the fields was set", messages: &[(New, r#"{"x":1,"y":2}"#, r#"{"y":2}"#)] },
    Case { old: "oneof o { int32 x = 1; }", new: "oneof o { int32 x = 1; int32 y = 2; }", rule: "STRADDLE_ONEOF_NO_ADD", old_reader: "sees none of the oneof's fields set", new_reader: SAME, messages: &[(New, r#"{"y":2}"#, "{}"), (Old, r#"{"x":2}"#, r#"{"x":2}"#)] },
    Case { old: "int32 x = 1; int32 y = 2;", new: "int32 y = 1; int32 x = 2;", rule: "STRADDLE_FIELD_SAME_NUMBER", old_reader: "finds it absent; what comes at", new_reader: "it takes for `", messages: &[(Old, r#"{"x":5}"#, r#"{"y":5}"#), (New, r#"{"x":5}"#, r#"{"y":5}"#)] },
    Case { old: "int32 x = 1;", new: "int32 x = 2; reserved 1;", rule: "STRADDLE_FIELD_SAME_NUMBER", old_reader: "looks for it at 1 and finds it absent; what comes at 2 is an unknown field", new_reader: "looks for it at 2 and finds it absent; what comes at 1 is an unknown field", messages: &[(Old, r#"{"x":5}"#, "{}"), (New, r#"{"x":5}"#, "{}")] },
    Case { old: "int32 x = 1; int32 y = 2;", new: "int32 x = 1;", rule: "FIELD_NO_DELETE", old_reader: "finds the field absent", new_reader: "unknown fields", messages: &[(Old, r#"{"x":1,"y":2}"#, r#"{"x":1}"#)] },
    Case { old: "int32 x = 1;", new: "int32 y = 1;", rule: "FIELD_SAME_NAME", old_reader: "reads the same bytes as `x`", new_reader: "reads the same bytes as `y`", messages: &[(Old, r#"{"x":1}"#, r#"{"y":1}"#), (New, r#"{"y":1}"#, r#"{"x":1}"#)] },
    Case { old: "reserved 1;", new: "string x = 1;", rule: "STRADDLE_RESERVED_NUMBER_NO_USE", old_reader: "takes the field for an unknown one", new_reader: "for the new field", messages: &[(New, r#"{"x":"a"}"#, "{}")] },
    Case { old: "G x = 1; enum G { A = 0; B = 1; C = 2; }", new: "G x = 1; enum G { A = 0; C = 1; B = 2; }", rule: "STRADDLE_ENUM_VALUE_SAME_NUMBER", old_reader: "takes C, which is written as 1, for B", new_reader: "takes C, which is written as 2, for B", messages: &[(New, r#"{"x":"C"}"#, r#"{"x":"B"}"#), (Old, r#"{"x":"C"}"#, r#"{"x":"B"}"#)] },
    Case { old: "G x = 1; enum G { A = 0; B = 1; }", new: "G x = 1; enum G { A = 0; }", rule: "ENUM_VALUE_NO_DELETE", old_reader: "is never sent the value", new_reader: "keeps 1 as a number without a name", messages: &[(Old, r#"{"x":"B"}"#, r#"{"x":1}"#)] },
    Case { old: "G x = 1; enum G { A = 0; B = 1; }", new: "G x = 1; enum G { A = 0; C = 1; }", rule: "ENUM_VALUE_SAME_NAME", old_reader: "reads 1 as B where C was written", new_reader: "reads 1 as C where B was written", messages: &[(Old, r#"{"x":"B"}"#, r#"{"x":"C"}"#), (New, r#"{"x":"C"}"#, r#"{"x":"B"}"#)] },
];

#[test]
fn the_other_version_reads_what_the_texts_say() {
    for case in CASES {
        let [old, new] = [case.old, case.new].map(image);
        let found = compare(&old, &new, &Options::default());
        let difference = found.iter().find(|difference| {
            let effect = &difference.effect;
            let says = effect.old_reader.contains(case.old_reader) && effect.new_reader.contains(case.new_reader);
            difference.rule.id == case.rule && says
        });
        assert!(difference.is_some(), "{} -> {}\n{found:#?}", case.old, case.new);
        for (writer, written, read) in case.messages {
            let (from, to) = if *writer == Old { (&old, &new) } else { (&new, &old) };
            assert_eq!(carried(from, to, written), *read, "{} -> {}, {writer:?} writes {written}", case.old, case.new);
        }
    }
}

/// A message of one version, read by the other one.
fn carried(from: &Image, to: &Image, written: &str) -> String {
    let [from, to] = [from, to].map(|image| {
        let mut pool = DescriptorPool::new();
        pool.add_file_descriptor_protos(image.files().cloned()).expect("they were compiled");
        pool.get_message_by_name("a.M").expect("M")
    });
    let mut json = serde_json::Deserializer::from_str(written);
    let message = DynamicMessage::deserialize(from, &mut json).unwrap_or_else(|error| panic!("{written}: {error}"));
    match DynamicMessage::decode(to, message.encode_to_vec().as_slice()) {
        Ok(message) => serde_json::to_string(&message).expect("JSON"),
        Err(_) => "refused".to_owned(),
    }
}

fn image(message: &str) -> Image {
    let text = format!(
        "syntax = \"proto3\"; package a; message M {{ {message} }} enum E {{ ZERO = 0; ONE = 1; TWO = 2; }} \
         enum F {{ CERO = 0; UNO = 1; }} message N {{ int32 a = 1; int32 b = 2; repeated int32 c = 3; }} \
         message O {{ sint32 z = 1; }}"
    );
    let folder = folder::folder(&[("a.proto", &text)]);
    Image::of_folder(folder.path()).unwrap_or_else(|error| panic!("{text}\n{error}"))
}
