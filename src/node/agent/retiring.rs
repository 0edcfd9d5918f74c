//! What is retired, as the coordinator says it, and as it is told.

use crate::control::v1_0_0 as wire;
use crate::node::{Node, RetiredStatus};
use crate::retiring::{Brownout, Notice, Retiring};
use crate::version::Version;

/// Does what the coordinator says.
pub(super) async fn retire(node: &Node, told: wire::Retiring) -> Result<(), String> {
    node.retire(read(told)?).await.map_err(|error| error.to_string())
}

pub(in crate::node) fn read(told: wire::Retiring) -> Result<Retiring, String> {
    let version = |text: &str| Version::from_label(text.as_bytes()).map_err(|error| error.to_string());
    let said = |number: u64| Some(number).filter(|number| *number != 0);
    let notice = |notice: wire::Notice| {
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
    let notices = told.notices.into_iter().map(notice).collect::<Result<_, String>>()?;
    Ok(Retiring { retired_up_to, notices, grace_seconds: said(told.grace_seconds) })
}

/// What is in force, as reports say it.
pub(in crate::node) fn in_force(status: &RetiredStatus) -> wire::RetiringInForce {
    let text = |version: &Option<Version>| version.as_ref().map(ToString::to_string).unwrap_or_default();
    let Retiring { retired_up_to, notices, grace_seconds } = &status.in_force;
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
    let retiring = wire::Retiring {
        retired_up_to: text(retired_up_to),
        notices: notices.iter().map(notice).collect(),
        grace_seconds: grace_seconds.unwrap_or_default(),
    };
    let swept_up_to = text(&status.swept_up_to);
    wire::RetiringInForce { retiring: Some(retiring), refused: status.refused.clone(), swept_up_to }
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
            let status = RetiredStatus { in_force: read(said.clone()).unwrap(), refused: None, swept_up_to: None };
            assert_eq!(in_force(&status).retiring, Some(said));
        }
    }

    #[test]
    fn what_is_no_version_is_told() {
        let long = format!("1.0.0-{}", "a".repeat(128));
        for up_to in ["1.0", &long] {
            let said = wire::Retiring { retired_up_to: up_to.to_owned(), ..Default::default() };
            assert!(read(said).is_err(), "{up_to}");
        }
    }
}
