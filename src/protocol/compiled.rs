//! Small protos for tests, compiled from their text.

use prost_reflect::DescriptorPool;
use protox::file::{File, FileResolver, GoogleFileResolver};

/// The descriptors of one proto; it may import well-known types.
pub(super) fn pool(text: &str) -> DescriptorPool {
    let mut compiler = protox::Compiler::with_file_resolver(Only(text.to_owned()));
    compiler.include_imports(true);
    if let Err(error) = compiler.open_file("test.proto") {
        panic!("{error:?}\n{text}");
    }
    compiler.descriptor_pool()
}

struct Only(String);

impl FileResolver for Only {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match name {
            "test.proto" => File::from_source(name, &self.0),
            other => GoogleFileResolver::new().open_file(other),
        }
    }
}
