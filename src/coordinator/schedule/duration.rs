//! Times in `schedule.toml`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
/// What is longer is a mistake.
const LONGEST: u64 = 366 * 86_400_000;

/// A time as people write it: `500ms`, `30s`, `10m`, `2h` or `1d`; at most 366 days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written(pub(super) Duration);

impl Written {
    fn read(text: &str) -> Result<Self, String> {
        let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
        let milliseconds =
            number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
        match milliseconds {
            Some(milliseconds) if milliseconds <= LONGEST => Ok(Self(Duration::from_millis(milliseconds))),
            Some(_) => Err(format!("`{text}` is longer than a year")),
            None => Err(format!("`{text}` is no time: write a whole number and a unit, as 30s, 10m, 2h or 1d")),
        }
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_a_time() {
        for (text, milliseconds) in [("0s", 0), ("500ms", 500), ("5s", 5_000), ("2m", 120_000), ("1h", 3_600_000)] {
            assert_eq!(Written::read(text), Ok(Written(Duration::from_millis(milliseconds))));
        }
        assert_eq!(Written::read("366d").map(|time| time.0.as_secs()), Ok(366 * 86_400));
    }

    #[test]
    fn anything_else_is_none() {
        for text in ["", "5", "s", "-1s", "1.5s", "5 s", "367d", "5w", "99999999999999999999s", "9999999999999999999h"]
        {
            assert!(Written::read(text).is_err(), "{text}");
        }
    }
}
