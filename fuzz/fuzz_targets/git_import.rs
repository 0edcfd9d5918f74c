//! Whatever git prints of a history: what is taken of it has names that stay within a folder, or it is refused.
//!
//! The input is a listing (`git ls-tree -r -z -l`), a line `==`, and objects (`git cat-file --batch`).

#![no_main]

use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;

const BETWEEN: &[u8] = b"\n==\n";

fuzz_target!(|input: &[u8]| {
    let at = input.windows(BETWEEN.len()).position(|window| window == BETWEEN);
    let (listing, objects) = match at {
        Some(at) => (&input[..at], &input[at + BETWEEN.len()..]),
        None => (input, &input[input.len()..]),
    };
    match straddle::fuzzing::import(listing, objects) {
        Ok(files) => {
            for (path, content) in &files {
                let mut parts = Path::new(path).components();
                assert!(
                    parts.all(|part| matches!(part, Component::Normal(name) if !name.eq_ignore_ascii_case(".git")))
                );
                assert!(!path.is_empty() && !path.contains(char::is_control) && !path.contains('\\'), "{path:?}");
                assert!(content.len() <= objects.len());
            }
        }
        Err(error) => assert!(!error.is_empty() && !error.contains('\0'), "{error:?}"),
    }
});
