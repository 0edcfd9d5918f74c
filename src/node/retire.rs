//! What a node is told to retire.

use std::cmp::Ordering;

use super::{Kind, Node};
use crate::dispatch::date;
use crate::protocol::{Protocol, Schema};
use crate::retiring::{Brownout, Notice, Retiring, reaches};
use crate::version::Version;

/// Why nothing of what a node was told has changed at it, or not all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetireError {
    /// It is beyond the limits; nothing has changed.
    #[error("this cannot be retired: {0}")]
    Invalid(String),
    /// It could not be written down, and callers are told what they were told before, while the next program may find either; or an
    /// object that is to answer again could not be opened, and the rest is in force, as the node's status says.
    #[error("what is retired could not be changed as told: {0}")]
    Failed(String),
}

impl Node {
    /// Retires versions, announces that others will be, and takes back what was told before: this takes the place of all that.
    ///
    /// From when it returns on, callers of retired versions are told `RETIRED`; calls that came before are answered whole. Streams have
    /// the time that they have when a node moves ([`stream_limit`](super::Builder::stream_limit)), and then end as `RETIRED`. Once the
    /// last call has gone, the past simulation objects of these versions are dropped; their states are removed after the
    /// [grace](Retiring::grace), and until then are as they were when the versions are served again. A node with a state folder keeps
    /// all this there. Another one knows it until it ends, and can make its objects only once: they stay for the grace, and versions
    /// whose objects have gone are served again when its program starts anew.
    ///
    /// A version that the node runs, or could go back to, is not retired before that has changed:
    /// [`status`](Self::status) says so.
    ///
    /// # Errors
    /// Says why it was not done.
    pub async fn retire(&self, retiring: Retiring) -> Result<(), RetireError> {
        retiring.check().map_err(RetireError::Invalid)?;
        match &self.0 {
            Kind::Resting(resting) => {
                resting.retire(&retiring);
                Ok(())
            }
            Kind::Living(life) => life.retire(retiring).await.map_err(RetireError::Failed),
        }
    }
}

/// Says for operators what takes force at a node: a line for what is retired, and one for what is announced.
pub(super) fn log(node: &str, was: &Retiring, is: &Retiring) {
    let text = |version: Option<&Version>| version.map(ToString::to_string);
    let (up_to, before) = (text(is.retired_up_to.as_ref()), text(was.retired_up_to.as_ref()));
    match is.retired_up_to.cmp(&was.retired_up_to) {
        Ordering::Greater => tracing::info!(node, up_to, before, "versions are retired"),
        Ordering::Less => tracing::info!(node, up_to, before, "retired versions are served again"),
        Ordering::Equal => {}
    }
    if is.notices != was.notices {
        let announced: Vec<String> = is.notices.iter().map(announced).collect();
        tracing::info!(node, announced = announced.join("; "), "what is announced has changed");
    }
}

fn announced(notice: &Notice) -> String {
    let at = |what, seconds: Option<u64>| seconds.map_or_else(String::new, |at| format!(", {what} {}", date(at)));
    let brownout = notice.brownout.map_or_else(String::new, |brownout| {
        let Brownout { seconds, every_seconds, from } = brownout;
        format!(", browned out for {seconds} s each {every_seconds} s from {} on", date(from))
    });
    let (version, since) = (&notice.version, at("deprecated since", notice.deprecated_since));
    format!("up to {version}{since}{}{brownout}", at("to be retired", notice.sunset))
}

/// As much of it as can be in force at a node that runs a version, and could go back to another one; and why not the rest.
pub(super) fn limited(
    told: &Retiring,
    protocol: &Protocol,
    runs: &Version,
    back: Option<&Version>,
) -> (Retiring, Option<String>) {
    let needed = back.unwrap_or(runs);
    let Some(up_to) = told.retired_up_to.as_ref().filter(|up_to| reaches(up_to, needed)) else {
        return (told.clone(), None);
    };
    let older = protocol.versions().iter().map(Schema::version);
    let retired_up_to = older.filter(|version| *version < needed && !version.same_schema(needed)).max().cloned();
    let why = match back {
        Some(back) => format!(
            "the node could still go back to {back}: {up_to} is retired once the upgrade to {runs} is finalized"
        ),
        None => format!("the node runs {runs}: {up_to} is retired once it runs a newer version"),
    };
    (Retiring { retired_up_to, ..told.clone() }, Some(why))
}
