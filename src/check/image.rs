//! The protos of one version as they were written: descriptors with the places of what they declare.

use std::path::{Path, PathBuf};

use prost_types::FileDescriptorProto;

use super::spans::Spans;
use crate::protocol::ProtocolError;

/// The protos of one version.
#[derive(Clone, Debug)]
pub struct Image {
    root: PathBuf,
    files: Vec<FileDescriptorProto>,
    /// The places in each of the files.
    spans: Vec<Spans>,
}

impl Image {
    /// The protos below `root`, which is their only import root.
    ///
    /// # Errors
    /// When a proto cannot be read or compiled, with its place.
    pub fn of_folder(root: &Path) -> Result<Self, ProtocolError> {
        Ok(Self::new(root.to_owned(), crate::protocol::compile_folder(root)?))
    }

    /// Files that were read already, whose names count from `root`.
    #[must_use]
    pub fn new(root: PathBuf, mut files: Vec<FileDescriptorProto>) -> Self {
        let spans =
            |file: &mut FileDescriptorProto| file.source_code_info.take().as_ref().map(Spans::from).unwrap_or_default();
        let spans = files.iter_mut().map(spans).collect();
        Self { root, files, spans }
    }

    /// The same, of files whose places were read apart.
    pub(crate) fn with_spans(root: PathBuf, files: Vec<(FileDescriptorProto, Spans)>) -> Self {
        let (files, spans) = files.into_iter().unzip();
        Self { root, files, spans }
    }

    /// The folder that file names count from.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files, imports that lie elsewhere (the well-known types) left out. Their source info is kept apart, and is none
    /// here.
    #[must_use]
    pub fn files(&self) -> &[FileDescriptorProto] {
        &self.files
    }

    /// The places in the file at this position in [`files`](Self::files).
    pub(crate) fn spans(&self, file: usize) -> &Spans {
        &self.spans[file]
    }
}
