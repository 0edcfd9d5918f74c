//! Who calls, by what a request says.

use std::str;

/// The longest name that a caller is known by, in bytes; what is longer is cut.
pub const LONGEST_CALLER: usize = 128;
/// What is put in the place of what was cut. No name can say it: it is not ASCII.
const CUT: &[u8] = "…".as_bytes();

/// How a caller is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallerKind {
    /// By the name that it gives itself.
    Named,
    /// By its address and its user agent.
    Address,
}

/// A caller, as one of its requests shows it.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    kind: CallerKind,
    name: Name<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Name<'a> {
    Whole(&'a [u8]),
    Written(Buffer),
}

/// Names are written here, so that whoever is known already costs no memory.
#[derive(Clone, Copy, Debug)]
struct Buffer {
    bytes: [u8; LONGEST_CALLER],
    length: usize,
}

impl<'a> Caller<'a> {
    /// A caller that gives itself a name: none if that is empty. It is cut at its first byte that is no printable ASCII, and where it
    /// is too long, and ends with `…` then; callers whose names are the same up to there are one.
    #[must_use]
    pub fn named(name: &'a [u8]) -> Option<Self> {
        let whole = name.len() <= LONGEST_CALLER && name.iter().all(|byte| is_printable(*byte));
        let name = if whole {
            Name::Whole(name)
        } else {
            let mut written = Buffer::new();
            written.write(name);
            Name::Written(written)
        };
        (!name.bytes().is_empty()).then_some(Self { kind: CallerKind::Named, name })
    }

    /// A caller without a name, at this address, with this user agent: `10.0.0.7 grpc-go/1.62.1`, and `?` for an address that is not
    /// known. Cut as names are.
    #[must_use]
    pub fn at(address: Option<&str>, user_agent: &[u8]) -> Self {
        let mut name = Buffer::new();
        name.write(address.unwrap_or("?").as_bytes());
        if !user_agent.is_empty() {
            name.write(b" ");
            name.write(user_agent);
        }
        Self { kind: CallerKind::Address, name: Name::Written(name) }
    }

    /// How it is known.
    #[must_use]
    pub fn kind(&self) -> CallerKind {
        self.kind
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        // What is written is ASCII, and the mark whole or not there.
        str::from_utf8(self.bytes()).unwrap_or_default()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.name.bytes()
    }
}

impl Name<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Whole(name) => name,
            Self::Written(buffer) => &buffer.bytes[..buffer.length],
        }
    }
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: [0; LONGEST_CALLER], length: 0 }
    }

    /// Adds what finds room and can be printed. What was cut stays so.
    fn write(&mut self, text: &[u8]) {
        if self.bytes[..self.length].ends_with(CUT) {
            return;
        }
        let printable = text.iter().position(|byte| !is_printable(*byte)).unwrap_or(text.len());
        let room = LONGEST_CALLER - self.length;
        let whole = printable == text.len() && printable <= room;
        // Before the mark there may be something that was written before, up to the very end.
        let kept = if whole { printable } else { printable.min(room.saturating_sub(CUT.len())) };
        self.bytes[self.length..self.length + kept].copy_from_slice(&text[..kept]);
        self.length += kept;
        if !whole {
            self.length = self.length.min(LONGEST_CALLER - CUT.len());
            self.bytes[self.length..self.length + CUT.len()].copy_from_slice(CUT);
            self.length += CUT.len();
        }
    }
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: impl AsRef<[u8]>) -> Option<String> {
        Caller::named(name.as_ref()).map(|caller| caller.name().to_owned())
    }

    #[test]
    fn a_name_is_kept_as_it_is_and_cut_where_it_is_too_long_or_cannot_be_printed() {
        let (most, more) = ("n".repeat(128), "n".repeat(129));
        for (name, kept) in [
            (b"billing".as_slice(), Some("billing".to_owned())),
            (b"billing worker~", Some("billing worker~".to_owned())),
            (b"", None),
            (most.as_bytes(), Some(most.clone())),
            (more.as_bytes(), Some(format!("{}…", "n".repeat(125)))),
            (b"bill\xffing", Some("bill…".to_owned())),
            (b"bill\ting", Some("bill…".to_owned())),
            ("büro".as_bytes(), Some("b…".to_owned())),
            ("…".as_bytes(), Some("…".to_owned())),
        ] {
            assert_eq!(named(name), kept, "{name:?}");
        }
    }

    #[test]
    fn nothing_makes_a_name_longer_than_it_may_be() {
        for address in [None, Some("10.0.0.7"), Some("2001:db8:85a3:8d3:1319:8a2e:370:7348")] {
            for length in 0..300 {
                for last in [b'a', 0xff] {
                    let mut agent = vec![b'a'; length];
                    agent.extend((length > 0).then_some(last));
                    let caller = Caller::at(address, &agent);
                    let name = caller.name();
                    assert!(!name.is_empty() && name.len() <= LONGEST_CALLER, "{name}");
                    assert!(name.starts_with(address.unwrap_or("?")), "{name}");
                    let whole = name.len() == address.unwrap_or("?").len() + 1 + agent.len() || agent.is_empty();
                    assert_eq!(whole && (agent.is_empty() || last == b'a'), !name.ends_with('…'), "{length}: {name}");
                }
            }
        }
    }

    #[test]
    fn who_has_no_name_is_known_by_address_and_user_agent() {
        assert_eq!(Caller::at(Some("10.0.0.7"), b"grpc-go/1.62.1").name(), "10.0.0.7 grpc-go/1.62.1");
        assert_eq!(Caller::at(Some("::1"), b"").name(), "::1");
        assert_eq!(Caller::at(None, b"curl").name(), "? curl");
        let caller = Caller::named(b"10.0.0.7").unwrap();
        assert_eq!((caller.kind(), Caller::at(Some("10.0.0.7"), b"").kind()), (CallerKind::Named, CallerKind::Address));
    }
}
