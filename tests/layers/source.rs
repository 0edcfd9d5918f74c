//! The source files of this crate.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;

/// A file, and the module that it is.
#[derive(Clone)]
pub(crate) struct Source {
    /// From the crate's folder on.
    pub(crate) file: PathBuf,
    /// From the crate's root on; empty for the root.
    pub(crate) module: Vec<String>,
    pub(crate) text: String,
}

/// Every file of the crate itself.
pub(crate) fn sources() -> Vec<Source> {
    let found = rust_files("src");
    assert!(found.iter().any(|source| source.file == Path::new("src/lib.rs")), "src/ is not where it should be");
    found
}

/// Every Rust file below a folder of the checkout, but what was built; none where there is no such folder.
pub(crate) fn rust_files(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(root.join(&folder)) else { continue };
        for entry in entries {
            let entry = entry.expect("an entry of the folder");
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.extend((!path.ends_with("target")).then_some(path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(Source::read(root, path));
            }
        }
    }
    found.sort_by(|one, other| one.file.cmp(&other.file));
    found
}

impl Source {
    fn read(root: &Path, file: PathBuf) -> Self {
        let text = fs::read_to_string(root.join(&file)).expect("a source file in UTF-8");
        let mut module: Vec<String> =
            file.with_extension("").iter().skip(1).map(|part| part.to_string_lossy().into_owned()).collect();
        if module == ["lib"] || module == ["main"] {
            module.clear();
        }
        Self { file, module, text }
    }

    pub(crate) fn tokens(&self) -> TokenStream {
        self.text.parse().unwrap_or_else(|error| panic!("{} is no Rust: {error}", self.file.display()))
    }

    /// The lines that are neither blank nor comment alone.
    pub(crate) fn lines_of_code(&self) -> usize {
        let lines = self.text.lines().map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
    }
}
