//! What is retired, as coordinators and nodes tell it to each other.

use super::v1_0_0 as wire;
use crate::retiring::{Brownout, Notice, Retiring};
use crate::version::{Version, VersionError};

impl TryFrom<&wire::Retiring> for Retiring {
    type Error = VersionError;

    /// Reads it. Whether it is within its limits says [`Retiring::check`].
    fn try_from(told: &wire::Retiring) -> Result<Self, VersionError> {
        let version = |text: &str| Version::from_label(text.as_bytes());
        let said = |number: u64| Some(number).filter(|number| *number != 0);
        let notice = |notice: &wire::Notice| {
            let brownout = notice.brownout.map(|brownout| Brownout {
                seconds: brownout.seconds,
                every_seconds: brownout.every_seconds,
                from: brownout.from,
            });
            let (deprecated_since, sunset) = (said(notice.deprecated_since), said(notice.sunset));
            Ok(Notice { version: version(&notice.version)?, deprecated_since, sunset, brownout })
        };
        let up_to = Some(&told.retired_up_to).filter(|up_to| !up_to.is_empty());
        let retired_up_to = up_to.map(|up_to| version(up_to)).transpose()?;
        let notices = told.notices.iter().map(notice).collect::<Result<_, VersionError>>()?;
        Ok(Self { retired_up_to, notices, grace_seconds: said(told.grace_seconds) })
    }
}

impl From<&Retiring> for wire::Retiring {
    fn from(retiring: &Retiring) -> Self {
        let Retiring { retired_up_to, notices, grace_seconds } = retiring;
        let notice = |notice: &Notice| wire::Notice {
            version: notice.version.to_string(),
            deprecated_since: notice.deprecated_since.unwrap_or_default(),
            sunset: notice.sunset.unwrap_or_default(),
            brownout: notice.brownout.map(|brownout| wire::Brownout {
                seconds: brownout.seconds,
                every_seconds: brownout.every_seconds,
                from: brownout.from,
            }),
        };
        Self {
            retired_up_to: retired_up_to.as_ref().map(ToString::to_string).unwrap_or_default(),
            notices: notices.iter().map(notice).collect(),
            grace_seconds: grace_seconds.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_reported_as_it_was_said() {
        let brownout = Some(wire::Brownout { seconds: 300, every_seconds: 3_600, from: 1_795_000_000 });
        let notice = wire::Notice { version: "1.1.0".to_owned(), deprecated_since: 1, sunset: 2, brownout };
        let bare = wire::Notice { version: "2.0.0".to_owned(), ..Default::default() };
        let said = wire::Retiring { retired_up_to: "1.0.0".to_owned(), notices: vec![notice, bare], grace_seconds: 60 };
        for said in [said, wire::Retiring::default()] {
            assert_eq!(wire::Retiring::from(&Retiring::try_from(&said).unwrap()), said);
        }
    }

    #[test]
    fn what_is_no_version_is_told() {
        let long = format!("1.0.0-{}", "a".repeat(128));
        for up_to in ["1.0", &long] {
            let said = wire::Retiring { retired_up_to: up_to.to_owned(), ..Default::default() };
            assert!(Retiring::try_from(&said).is_err(), "{up_to}");
        }
    }
}
