//! The README, by its chapters.

use std::fs;
use std::path::Path;

/// A block of code: its language and its text.
pub(crate) type Block = (String, String);

pub(crate) fn text() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("the README")
}

/// The blocks of code in this chapter.
pub(crate) fn chapter(title: &str) -> Vec<Block> {
    let readme = text();
    let chapter = readme.split(&format!("\n## {title}\n")).nth(1).expect("the chapter");
    let chapter = chapter.split("\n## ").next().expect("its end");
    let blocks = chapter.split("\n```").skip(1).step_by(2);
    blocks
        .map(|block| {
            let (language, text) = block.split_once('\n').expect("a block has lines");
            (language.to_owned(), format!("{text}\n"))
        })
        .collect()
}
