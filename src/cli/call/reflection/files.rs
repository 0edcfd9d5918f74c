//! The files that a node's reflection sent, until they are all there.

use std::collections::{HashMap, HashSet};

use prost::Message;
use prost_reflect::DescriptorPool;
use prost_types::FileDescriptorProto;
use tonic::Status;

use super::incomplete;

/// Most files that a schema may have: a node that always names one more does not keep us for ever.
const MOST_FILES: usize = 10_000;

/// Files by name: what they import, and their bytes, which keep custom options.
#[derive(Default)]
pub(super) struct Files {
    encoded: HashMap<String, (Vec<String>, Vec<u8>)>,
}

impl Files {
    pub(super) fn take(&mut self, files: Vec<Vec<u8>>) -> Result<(), Status> {
        for encoded in files {
            let file = FileDescriptorProto::decode(encoded.as_slice())
                .map_err(|error| incomplete(&format!("it sent no descriptor of a file: {error}")))?;
            // A descriptor pool panics on editions.
            if file.syntax() == "editions" {
                let what = format!("`{}` is written in an edition, which is not supported yet", file.name());
                return Err(Status::unimplemented(what));
            }
            self.encoded.insert(file.name().to_owned(), (file.dependency, encoded));
        }
        if self.encoded.len() > MOST_FILES { Err(incomplete("it names no end of files")) } else { Ok(()) }
    }

    pub(super) fn take_well_known(&mut self, name: &str) -> Option<()> {
        let file = DescriptorPool::global().get_file_by_name(name)?;
        let file = file.file_descriptor_proto();
        self.encoded.insert(name.to_owned(), (file.dependency.clone(), file.encode_to_vec()));
        Some(())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.encoded.contains_key(name)
    }

    /// A file that one imports and that is not there yet.
    pub(super) fn missing(&self) -> Option<String> {
        let imported = self.encoded.values().flat_map(|(imports, _)| imports);
        imported.into_iter().find(|name| !self.encoded.contains_key(*name)).cloned()
    }

    pub(super) fn into_pool(self) -> Result<DescriptorPool, Status> {
        let mut pool = DescriptorPool::new();
        let mut added = HashSet::new();
        let mut left: Vec<&String> = self.encoded.keys().collect();
        left.sort();
        // A file goes in when all that it imports is in.
        while !left.is_empty() {
            let (ready, waiting): (Vec<&String>, Vec<&String>) =
                left.into_iter().partition(|name| self.encoded[*name].0.iter().all(|import| added.contains(import)));
            if ready.is_empty() {
                return Err(incomplete("its files import each other in a circle"));
            }
            for name in ready {
                pool.decode_file_descriptor_proto(self.encoded[name].1.as_slice())
                    .map_err(|error| incomplete(&format!("its descriptors contradict each other: {error}")))?;
                added.insert(name);
            }
            left = waiting;
        }
        Ok(pool)
    }
}
