//! Two versions of one large set of protos.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// How large the set is.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) files: usize,
    pub(crate) messages_a_file: usize,
    pub(crate) fields_a_message: usize,
}

/// Writes both versions below `old` and `new`; one message in twenty differs.
pub(crate) fn write(seed: u64, size: Size, old: &Path, new: &Path) -> io::Result<()> {
    let mut random = Random(seed);
    for file in 0..size.files {
        let folder = format!("shop/part{}/v1", file / 10);
        let [mut before, mut after] = [header(file), header(file)];
        for message in 0..size.messages_a_file {
            let fields: Vec<Field> = (0..size.fields_a_message).map(|_| Field::random(&mut random, file)).collect();
            let change = if random.below(20) == 0 { 1 + random.below(6) } else { 0 };
            write_message(&mut before, message, &fields, 0);
            write_message(&mut after, message, &fields, change);
        }
        for (root, text) in [(old, before), (new, after)] {
            fs::create_dir_all(root.join(&folder))?;
            fs::write(root.join(&folder).join(format!("file{file}.proto")), text)?;
        }
    }
    Ok(())
}

fn header(file: usize) -> String {
    let part = file / 10;
    let mut text =
        format!("syntax = \"proto3\";\n\npackage shop.part{part}.v1;\n\nimport \"google/protobuf/timestamp.proto\";\n");
    if file > 0 {
        let before = file - 1;
        let _ = writeln!(text, "import \"shop/part{}/v1/file{before}.proto\";", before / 10);
    }
    let _ = write!(
        text,
        "\n// What file {file} is about.\nenum State{file} {{\n  STATE{file}_UNSPECIFIED = 0;\n  STATE{file}_OPEN = 1;\n  \
         STATE{file}_CLOSED = 2;\n}}\n\n// Offers what file {file} declares.\nservice Service{file} {{\n  \
         // Gets one.\n  rpc Get(File{file}Message0) returns (File{file}Message1);\n}}\n"
    );
    text.replace("File0Message", &format!("File{file}Message"))
}

/// A field of a message of some file.
struct Field {
    kind: String,
}

impl Field {
    fn random(random: &mut Random, file: usize) -> Self {
        let kind = match random.below(10) {
            0 => "string".to_owned(),
            1 => "int64".to_owned(),
            2 => "bool".to_owned(),
            3 => "optional double".to_owned(),
            4 => "repeated bytes".to_owned(),
            5 => "google.protobuf.Timestamp".to_owned(),
            6 => format!("State{file}"),
            7 => "map<string, int32>".to_owned(),
            8 if file > 0 => format!("shop.part{}.v1.File{}Message{}", (file - 1) / 10, file - 1, random.below(2)),
            _ => "uint32".to_owned(),
        };
        Self { kind }
    }
}

fn write_message(text: &mut String, message: usize, fields: &[Field], change: u64) {
    // The file's number stands in the service's name, which was written first.
    let file = text.split("service Service").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("0").to_owned();
    let _ = write!(text, "\n// Message {message} of file {file}.\nmessage File{file}Message{message} {{\n");
    if change == 1 {
        let _ = writeln!(text, "  reserved {};", fields.len());
    }
    for (position, field) in fields.iter().enumerate() {
        let (number, last) = (position + 1, position + 1 == fields.len());
        let (mut kind, mut name, mut at) = (field.kind.as_str(), format!("field_{number}"), number);
        match change {
            // Gone, with its number reserved or not.
            1 | 2 if last => continue,
            3 if last => name = format!("renamed_{number}"),
            4 if last => kind = "sfixed64",
            5 if last => at = number + 100,
            6 if last => kind = "repeated string",
            _ => {}
        }
        let _ = writeln!(text, "  // What field {number} means.\n  {kind} {name} = {at};");
    }
    let _ = writeln!(text, "}}");
}

/// `SplitMix64`: <https://prng.di.unimi.it/splitmix64.c>.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
