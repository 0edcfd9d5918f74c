//! What is decided from what nodes say: without a clock, a file or a connection.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::node::admin::wire::{NodeStatus, Phase};
use crate::version::Version;

/// The time that telling all nodes may take: so much has to be left of theirs.
const MARGIN: Duration = Duration::from_secs(2);

/// That each address is named once.
pub(super) fn distinct(addresses: &[String]) -> Result<(), String> {
    for (place, address) in addresses.iter().enumerate() {
        if addresses[..place].contains(address) {
            return Err(format!("{address} is named twice: name each node once"));
        }
    }
    Ok(())
}

/// The protocol and the version that all have in common.
pub(super) fn common(nodes: &[(String, NodeStatus)], to: &Version) -> Result<(String, Version), String> {
    for (place, (address, status)) in nodes.iter().enumerate() {
        let same =
            |(_, other): &&(String, NodeStatus)| !status.instance.is_empty() && other.instance == status.instance;
        if let Some((other, _)) = nodes[..place].iter().find(same) {
            return Err(format!("{other} and {address} are the same node: name it once"));
        }
    }
    let protocol = one_of(nodes, "serve different protocols", |status| &status.protocol)?;
    let version = one_of(nodes, "run different versions", |status| &status.version);
    let version = version.map_err(|why| {
        format!("{why}\n  help: a barrier takes all from one version to one; those that have come further are left out")
    })?;
    let from: Version = version.parse().map_err(|error| format!("the nodes run {version:?}: {error}"))?;
    if from == *to {
        return Err(format!("all nodes run {to} already"));
    }
    Ok((protocol, from))
}

fn one_of(nodes: &[(String, NodeStatus)], what: &str, of: impl Fn(&NodeStatus) -> &String) -> Result<String, String> {
    let mut groups: BTreeMap<&String, Vec<&str>> = BTreeMap::new();
    for (address, status) in nodes {
        groups.entry(of(status)).or_default().push(address);
    }
    let mut only = groups.keys();
    if let (Some(only), None) = (only.next(), only.next()) {
        return Ok((*only).clone());
    }
    let groups = groups.iter().map(|(name, nodes)| format!("{name} ({})", nodes.join(", ")));
    Err(format!("these nodes {what}: {}", groups.collect::<Vec<_>>().join(", ")))
}

/// That all nodes wait for long enough to be told. Each counts from when the request came, which was after it was sent: `until` is
/// counted from then.
pub(super) fn time_is_left(now: Instant, until: &[Instant], within: Duration) -> Result<(), String> {
    let margin = MARGIN.min(within / 4);
    match until.iter().min() {
        Some(first) if *first >= now + margin => Ok(()),
        _ => Err(format!(
            "preparing took too long: the first node goes back in less than {margin:?}; give them more time with --within"
        )),
    }
}

/// What to do about a node that was decided to switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It has switched.
    Nothing,
    /// It still waits for the word.
    GiveWord,
    /// Its preparation is over.
    Upgrade,
    /// It is at it, or at something else.
    Wait(String),
    /// Nothing helps but people.
    GiveUp(String),
}

pub(super) fn next(status: &NodeStatus, protocol: &str, to: &Version, name: &str) -> Next {
    if status.protocol != protocol {
        return Next::GiveUp(format!("another node is there now, of {}", status.protocol));
    }
    if let Some(why) = &status.stuck {
        return Next::GiveUp(format!("it is stuck, and has to be started again: {why}"));
    }
    let moving = status.under_way.as_ref();
    if status.version == to.to_string() && moving.is_none() {
        return Next::Nothing;
    }
    match (&status.prepared, moving) {
        (Some(prepared), _) if prepared.name == name => Next::GiveWord,
        (Some(_), _) => Next::Wait("it is prepared by somebody else".to_owned()),
        (None, Some(moving)) => Next::Wait(format!("it is under way to {}", moving.to)),
        (None, None) if status.phase == i32::from(Phase::Finalizing) => Next::Wait("it is finalizing".to_owned()),
        (None, None) => Next::Upgrade,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::admin::wire::{Move, Prepared};

    fn status(protocol: &str, version: &str, instance: &str) -> NodeStatus {
        let text = str::to_owned;
        NodeStatus {
            protocol: text(protocol),
            version: text(version),
            instance: text(instance),
            ..NodeStatus::default()
        }
    }

    fn two() -> Version {
        Version::new(2, 0, 0)
    }

    #[test]
    fn nodes_that_do_not_belong_together_are_told_apart_before_anything_begins() {
        let named = |nodes: &[(&str, NodeStatus)]| {
            let nodes: Vec<_> = nodes.iter().map(|(name, status)| ((*name).to_owned(), status.clone())).collect();
            common(&nodes, &two())
        };
        let (a, b) = (status("shop", "1.0.0", "i"), status("shop", "1.0.0", "j"));
        assert_eq!(named(&[("a", a.clone()), ("b", b.clone())]), Ok(("shop".to_owned(), Version::new(1, 0, 0))));
        let old = status("shop", "1.0.0", "");
        assert!(named(&[("a", old.clone()), ("b", old)]).is_ok(), "older programs do not say which they are");
        for (other, told) in [
            (status("shop", "1.0.0", "i"), "a and c are the same node"),
            (status("stock", "1.0.0", "k"), "serve different protocols: shop (a, b), stock (c)"),
            (status("shop", "2.0.0", "k"), "run different versions: 1.0.0 (a, b), 2.0.0 (c)"),
        ] {
            let error = named(&[("a", a.clone()), ("b", b.clone()), ("c", other)]).expect_err(told);
            assert!(error.contains(told), "{error}");
        }
        let there = status("shop", "2.0.0", "i");
        assert_eq!(named(&[("a", there)]), Err("all nodes run 2.0.0 already".to_owned()));
        assert!(distinct(&["a".to_owned(), "b".to_owned()]).is_ok());
        assert!(distinct(&["a".to_owned(), "b".to_owned(), "a".to_owned()]).is_err());
    }

    #[test]
    fn it_is_decided_only_with_enough_time_to_tell_everybody() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let minute = second * 60;
        for (left, within, well) in [
            ([minute, minute], minute, true),
            ([minute, second * 2], minute, true),
            ([minute, second], minute, false),
            ([second, second], second * 4, true),
            ([second, second / 2], second * 4, false),
        ] {
            let until = left.map(|left| now + left);
            assert_eq!(time_is_left(now, &until, within).is_ok(), well, "{left:?} of {within:?}");
        }
        assert!(time_is_left(now + minute, &[now], minute).is_err());
    }

    #[test]
    fn what_is_done_about_a_straggler_follows_from_how_it_is() {
        let with = |change: fn(&mut NodeStatus)| {
            let mut status = status("shop", "1.0.0", "i");
            change(&mut status);
            next(&status, "shop", &two(), "mine")
        };
        let prepared = |name: &str| Some(Prepared { name: name.to_owned(), ..Prepared::default() });
        assert_eq!(with(|_| {}), Next::Upgrade);
        assert_eq!(with(|status| status.version = "2.0.0".to_owned()), Next::Nothing);
        assert_eq!(
            with(|status| status.protocol = "stock".to_owned()),
            Next::GiveUp("another node is there now, of stock".into())
        );
        assert!(
            matches!(with(|status| status.stuck = Some("ill".to_owned())), Next::GiveUp(why) if why.contains("ill"))
        );
        let mut waits = status("shop", "1.0.0", "i");
        waits.under_way = Some(Move { to: "2.0.0".to_owned(), back: false });
        assert!(matches!(next(&waits, "shop", &two(), "mine"), Next::Wait(_)));
        waits.prepared = prepared("mine");
        assert_eq!(next(&waits, "shop", &two(), "mine"), Next::GiveWord);
        waits.prepared = prepared("other");
        assert!(matches!(next(&waits, "shop", &two(), "mine"), Next::Wait(_)));
    }
}
