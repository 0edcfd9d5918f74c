//! A count of nodes, or a share of them.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A count of nodes (`2`), or a share of them (`10%`). What becomes of fractions, the one who asks says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// So many.
    Nodes(usize),
    /// So many of a hundred; at most 100.
    Percent(u8),
}

impl Share {
    /// Of so many, fractions rounded down.
    #[must_use]
    pub fn rounded_down(self, of: usize) -> usize {
        match self {
            Self::Nodes(nodes) => nodes,
            Self::Percent(percent) => of.saturating_mul(usize::from(percent)) / 100,
        }
    }

    /// Of so many, fractions rounded up.
    #[must_use]
    pub fn rounded_up(self, of: usize) -> usize {
        match self {
            Self::Nodes(nodes) => nodes,
            Self::Percent(percent) => of.saturating_mul(usize::from(percent)).div_ceil(100),
        }
    }

    /// Whether it is none at all.
    #[must_use]
    pub fn is_zero(self) -> bool {
        matches!(self, Self::Nodes(0) | Self::Percent(0))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(nodes) => write!(formatter, "{nodes}"),
            Self::Percent(percent) => write!(formatter, "{percent}%"),
        }
    }
}

impl FromStr for Share {
    type Err = String;

    /// Reads `2` or `10%`.
    ///
    /// # Errors
    /// When it is neither, or more than 100%.
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_suffix('%').unwrap_or(text).trim_end();
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = plain.then(|| digits.parse::<usize>().ok()).flatten();
        match (number, text.ends_with('%')) {
            (Some(nodes), false) => Ok(Self::Nodes(nodes)),
            (Some(percent), true) => match u8::try_from(percent) {
                Ok(percent) if percent <= 100 => Ok(Self::Percent(percent)),
                _ => Err(format!("{percent}% is more than all: write at most 100%")),
            },
            (None, _) => Err(format!("`{text}` is neither a count nor a share: write `2` or `10%`")),
        }
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountOrShare;

        impl Visitor<'_> for CountOrShare {
            type Value = Share;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a count of nodes, as 2, or a share, as \"10%\"")
            }

            fn visit_i64<E: de::Error>(self, nodes: i64) -> Result<Share, E> {
                let nodes = usize::try_from(nodes);
                nodes.map(Share::Nodes).map_err(|_| E::custom("there are no fewer nodes than none"))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Share, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(CountOrShare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_shares_are_read_and_written_alike() {
        for (text, share) in [("2", Share::Nodes(2)), ("10%", Share::Percent(10)), ("100%", Share::Percent(100))] {
            assert_eq!(text.parse(), Ok(share));
            assert_eq!(share.to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_neither() {
        for text in ["", "%", "-1", "101%", "1.5", "two", "+2", "99999999999999999999"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }

    #[test]
    fn fractions_go_where_they_are_sent() {
        assert_eq!((Share::Percent(10).rounded_down(19), Share::Percent(10).rounded_up(19)), (1, 2));
        assert_eq!((Share::Percent(50).rounded_down(0), Share::Nodes(3).rounded_up(1)), (0, 3));
    }
}
