//! What `git cat-file` prints: with `--batch` objects one after the other, with `--batch-check` what each is.
//!
//! ```text
//! 78981922613b2afb6025042ff6bd878ac1994e85 blob 12\n<12 bytes>\n
//! 78981922613b2afb6025042ff6bd878ac1994e85 missing\n
//! ```
//!
//! With `--follow-symlinks` a link that cannot be followed is told with what is left of it:
//! `dangling`, `loop`, `notdir` or `symlink` (out of the tree), the size, and the bytes.

use super::listing::{Malformed, ObjectId};

/// What became of one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// There is such an object.
    Object {
        id: ObjectId,
        /// `blob`, `tree`, `commit` or `tag`.
        kind: &'a str,
        size: u64,
        /// Empty of `--batch-check`.
        content: &'a [u8],
    },
    /// The repository lacks it.
    Missing,
    /// A link that leads nowhere, in a circle or through a file.
    Broken,
    /// A link that leads out of the tree, to this.
    Outside(&'a [u8]),
}

/// What the requests were answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `--batch`.
    Content,
    /// `--batch-check`.
    Check,
}

/// Reads the whole output.
pub(crate) fn parse(output: &[u8], mode: Mode) -> Result<Vec<Found<'_>>, Malformed> {
    let mut found = Vec::new();
    let mut rest = output;
    while !rest.is_empty() {
        let (one, after) = first(rest, mode).ok_or_else(|| Malformed(super::shown(rest)))?;
        found.push(one);
        rest = after;
    }
    Ok(found)
}

fn first(output: &[u8], mode: Mode) -> Option<(Found<'_>, &[u8])> {
    let (line, rest) = split_line(output)?;
    if line.ends_with(b" missing") || line.ends_with(b" ambiguous") {
        return Some((Found::Missing, rest));
    }
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (name, second, third) = (words.next()?, words.next()?, words.next());
    if words.next().is_some() {
        return None;
    }
    match (name, third) {
        ("dangling" | "loop" | "notdir", None) => Some((Found::Broken, take(rest, second.parse().ok()?)?.1)),
        ("symlink", None) => {
            let (target, rest) = take(rest, second.parse().ok()?)?;
            Some((Found::Outside(target), rest))
        }
        (id, Some(size)) => {
            let (id, size) = (ObjectId::new(id)?, size.parse::<u64>().ok()?);
            let (content, rest) = match mode {
                Mode::Content => take(rest, usize::try_from(size).ok()?)?,
                Mode::Check => (&[][..], rest),
            };
            Some((Found::Object { id, kind: second, size, content }, rest))
        }
        _ => None,
    }
}

fn split_line(output: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = output.iter().position(|byte| *byte == b'\n')?;
    Some((&output[..end], &output[end + 1..]))
}

/// So many bytes, and what comes behind the line feed that ends them.
fn take(output: &[u8], size: usize) -> Option<(&[u8], &[u8])> {
    let (content, rest) = output.split_at_checked(size)?;
    Some((content, rest.strip_prefix(b"\n")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "78981922613b2afb6025042ff6bd878ac1994e85";

    #[test]
    fn objects_are_read_whatever_they_hold() {
        let output = format!("{ID} blob 7\na\nb 1 \0\n\n{ID} missing\n{ID} blob 0\n\n");
        let output = output.replace("7\na\nb 1 \0\n\n", "8\na\nb 1 \0\n\n");
        let id = ObjectId::new(ID).expect("a name");
        let blob = |size, content| Found::Object { id: id.clone(), kind: "blob", size, content };
        assert_eq!(
            parse(output.as_bytes(), Mode::Content).expect("three"),
            [blob(8, b"a\nb 1 \0\n"), Found::Missing, blob(0, b"")]
        );
    }

    #[test]
    fn links_that_cannot_be_followed_are_told_apart() {
        let output = format!("{ID} tree 33\ndangling 4\na\nbc\nloop 1\na\nnotdir 1\na\nsymlink 6\n../out\n");
        let found = parse(output.as_bytes(), Mode::Check).expect("five");
        assert!(matches!(found[0], Found::Object { kind: "tree", size: 33, .. }));
        assert_eq!(found[1..], [Found::Broken, Found::Broken, Found::Broken, Found::Outside(b"../out")]);
    }

    #[test]
    fn what_git_does_not_print_is_told() {
        for output in [
            format!("{ID} blob 7\nabc\n"),
            format!("{ID} blob 3\nabcd\n"),
            format!("{ID} blob 18446744073709551615\nabc\n"),
            format!("{ID} blob"),
            "x blob 1\na\n".to_owned(),
            "symlink 9\na\n".to_owned(),
            "\n".to_owned(),
        ] {
            assert!(parse(output.as_bytes(), Mode::Content).is_err(), "{output:?}");
        }
    }
}
