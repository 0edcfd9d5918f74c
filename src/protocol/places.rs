//! Versions that are loaded with the places of what their protos declare, compiled once for both.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field};

use super::folder::{self, compile};
use super::spans::Spans;
use super::{Fault, Protocol, ProtocolError, Source};
use crate::version::Version;

/// The places in protos, by the folder that they were read from.
#[derive(Default)]
pub(crate) struct Places(HashMap<PathBuf, Vec<Placed>>);

/// A file's name, and where what it declares stands.
pub(crate) type Placed = (String, Arc<Spans>);

impl Places {
    /// Loads a protocol, and keeps the places of all its versions.
    ///
    /// # Errors
    /// As [`Protocol::load`] has them.
    pub(crate) fn load(&mut self, folder: &Path) -> Result<Protocol, ProtocolError> {
        folder::load(folder, &mut |root, files| self.compile(root, files))
    }

    /// The protos of a folder that belongs to no protocol, as a version of this number; a `step.toml` in it counts for
    /// nothing.
    ///
    /// # Errors
    /// When there are none, or one cannot be read or compiled.
    pub(crate) fn source_of_folder(&mut self, version: &Version, root: &Path) -> Result<Source, ProtocolError> {
        if folder::schema_files(root)?.is_empty() {
            let what = "no .proto files and no descriptor set (*.binpb) lie in this folder";
            return Err(Fault::new(root, what, "name a folder of protos, or one of a protocol").into());
        }
        let source = folder::source(version, Some(root), None, &mut |root, files| self.compile(root, files))?;
        Ok(Source { step: None, ..source })
    }

    /// The protos of a folder that was loaded, imports that lie elsewhere left out, each with the places in it; none
    /// where the folder holds a descriptor set.
    pub(crate) fn files(&self, root: &Path) -> Option<&[Placed]> {
        self.0.get(root).map(Vec::as_slice)
    }

    fn compile(&mut self, root: &Path, files: &[PathBuf]) -> Result<Vec<u8>, ProtocolError> {
        let with_places = compile(root, files, true)?;
        let Some((set, mut placed)) = without_places(&with_places) else {
            let what = "the compiler wrote no descriptor set";
            return Err(Fault::new(root, what, "do not change the protos while they are compiled").into());
        };
        placed.retain(|(name, _)| root.join(name).is_file());
        self.0.insert(root.to_owned(), placed);
        Ok(set)
    }
}

/// The field of `FileDescriptorProto` that holds the file's name (descriptor.proto).
const NAME: u32 = 1;
/// The field of `FileDescriptorProto` that holds places and comments (descriptor.proto).
const SOURCE_CODE_INFO: u32 = 9;

/// An encoded descriptor set without places and comments, and those apart. All else stays byte for byte, custom options
/// too. Nothing where it is no descriptor set.
fn without_places(set: &[u8]) -> Option<(Vec<u8>, Vec<Placed>)> {
    let (mut all, mut placed) = (Vec::with_capacity(set.len() / 2), Vec::new());
    for file in Files(set) {
        let Split { tag, bare, name, info } = file?;
        encode_key(tag, WireType::LengthDelimited, &mut all);
        encode_varint(bare.len() as u64, &mut all);
        all.extend_from_slice(&bare);
        placed.push((str::from_utf8(name).ok()?.to_owned(), Arc::new(Spans::read(info).ok()?)));
    }
    Some((all, placed))
}

/// A file of an encoded descriptor set, taken apart.
struct Split<'a> {
    tag: u32,
    /// All but the places and comments.
    bare: Vec<u8>,
    name: &'a [u8],
    /// The places and comments; empty where there are none.
    info: &'a [u8],
}

/// The files of an encoded descriptor set, up to one that is none.
struct Files<'a>(&'a [u8]);

impl<'a> Iterator for Files<'a> {
    type Item = Option<Split<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let split = self.split();
        if split.is_none() {
            self.0 = &[];
        }
        Some(split)
    }
}

impl<'a> Files<'a> {
    fn split(&mut self) -> Option<Split<'a>> {
        let (tag, mut file) = length_delimited(&mut self.0)?;
        let (mut bare, mut name, mut info) = (Vec::new(), &[][..], &[][..]);
        while !file.is_empty() {
            let field = file;
            let (tag, kind) = decode_key(&mut file).ok()?;
            skip_field(kind, tag, &mut file, DecodeContext::default()).ok()?;
            let mut field = &field[..field.len() - file.len()];
            if tag == SOURCE_CODE_INFO {
                (_, info) = length_delimited(&mut field)?;
                continue;
            }
            bare.extend_from_slice(field);
            if tag == NAME {
                (_, name) = length_delimited(&mut field)?;
            }
        }
        Some(Split { tag, bare, name, info })
    }
}

/// The number and the content of a field that has a length.
fn length_delimited<'a>(bytes: &mut &'a [u8]) -> Option<(u32, &'a [u8])> {
    let (tag, kind) = decode_key(bytes).ok()?;
    if kind != WireType::LengthDelimited {
        return None;
    }
    let length = usize::try_from(decode_varint(bytes).ok()?).ok()?;
    let (content, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some((tag, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTO: &str = "syntax = \"proto3\";\npackage p;\nimport \"google/protobuf/descriptor.proto\";\n\
                         extend google.protobuf.FieldOptions { string owner = 50001; }\n\
                         // Kept.\nmessage M { string a = 1 [(owner) = \"us\"]; }\n";

    #[test]
    fn what_is_loaded_with_places_is_the_same_version() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.proto"), PROTO).unwrap();
        let version = Version::new(1, 0, 0);
        let mut places = Places::default();
        let source = places.source_of_folder(&version, folder.path()).unwrap();
        let plain = folder::source(&version, Some(folder.path()), None, &mut folder::plainly).unwrap();
        let digest = |source| {
            Protocol::assemble("p".to_owned(), crate::protocol::Declared::default(), vec![source], PathBuf::new())
                .unwrap()
                .versions()[0]
                .digest()
                .to_string()
        };
        let held = |part: &[u8]| source.descriptor_set.windows(part.len()).any(|window| window == part);
        assert!(held(b"p.proto") && !held(b"Kept"));
        assert_eq!(digest(source), digest(plain));
        let [(name, spans)] = places.files(folder.path()).unwrap() else { panic!("one file is of the folder") };
        assert_eq!(name, "p.proto");
        let message = (0..spans.len()).find(|place| spans.path(*place) == [4, 0]).unwrap();
        assert_eq!(spans.span(message), [5, 0, 44]);
    }

    #[test]
    fn bytes_that_are_no_descriptor_set_are_not_taken_for_one() {
        for bytes in [&[0x08, 0x01][..], &[0x0a, 0x05, 0x00], &[0x0a, 0x02, 0x4a, 0x05], &[0xff]] {
            assert!(without_places(bytes).is_none(), "{bytes:?}");
        }
        // A package and an empty SourceCodeInfo: `p` stays.
        assert_eq!(without_places(&[0x0a, 5, 0x12, 1, b'p', 0x4a, 0]).unwrap().0, [0x0a, 3, 0x12, 1, b'p']);
    }
}
