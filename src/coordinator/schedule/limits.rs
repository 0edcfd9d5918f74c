//! What no schedule gets past, as data: the coordinator holds to it.

use serde::Deserialize;

use super::share::Share;

/// What no schedule gets past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How many nodes go on serving.
    pub minimum_serving: MinimumServing,
    /// How many versions may run at once among the nodes of the protocol; none: any number. A node that is further behind
    /// than others may still move where that lets no further version appear.
    pub versions: Option<usize>,
    /// How many steps the oldest and the newest version that run may be apart; none: any number.
    pub apart: Option<usize>,
}

/// How many nodes go on serving, in each group of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MinimumServing {
    /// The label that makes groups; nodes without it are a group as well. None: all nodes are one.
    pub by: Option<String>,
    /// So many of the group's nodes; fractions are rounded up. None: see [`least_of`](Self::least_of).
    pub least: Option<Share>,
    /// All go at one word, and callers wait for a moment: unless `least` says so, none has to go on serving.
    pub(super) together: bool,
}

impl MinimumServing {
    /// How many nodes of a group of so many have to go on serving. Where nothing is said it is one, of a group of more than
    /// one, unless all go together. A count larger than the group is all of it, so nobody would go: plans tell.
    #[must_use]
    pub fn least_of(&self, group: usize) -> usize {
        match self.least {
            Some(least) => least.rounded_up(group).min(group),
            None => usize::from(group > 1 && !self.together),
        }
    }
}

/// What becomes of the upgrade when a gate fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailedGate {
    /// No node goes until an operator says so.
    Pause,
    /// It is taken back.
    RollBack,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn least(text: Option<&str>, group: usize) -> usize {
        let least = text.map(|text| text.parse().expect("a share"));
        MinimumServing { by: None, least, together: false }.least_of(group)
    }

    #[test]
    fn one_node_goes_on_serving_where_nothing_is_said() {
        assert_eq!((least(None, 0), least(None, 1), least(None, 2), least(None, 100)), (0, 0, 1, 1));
    }

    #[test]
    fn nodes_that_go_together_need_not_serve_unless_that_is_said() {
        assert_eq!(MinimumServing { together: true, ..MinimumServing::default() }.least_of(5), 0);
    }

    #[test]
    fn what_is_said_holds_and_is_at_most_the_group() {
        assert_eq!(
            (least(Some("2"), 6), least(Some("80%"), 6), least(Some("0"), 6), least(Some("7"), 6)),
            (2, 5, 0, 6)
        );
    }
}
