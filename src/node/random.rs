//! Names that nobody else has.

use std::hash::{BuildHasher, RandomState};

/// A random name of 128 bits, as 32 hexadecimal digits.
pub(super) fn name() -> String {
    // Its keys come from the operating system; under one of them, two numbers have unrelated hashes (SipHash).
    let random = RandomState::new();
    format!("{:016x}{:016x}", random.hash_one(0), random.hash_one(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ() {
        let names: std::collections::HashSet<String> = (0..1000).map(|_| name()).collect();
        assert_eq!(names.len(), 1000);
        assert!(names.iter().all(|name| name.len() == 32 && name.bytes().all(|digit| digit.is_ascii_hexdigit())));
    }
}
