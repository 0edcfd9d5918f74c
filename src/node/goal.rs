//! What a node is to come to before it serves anybody, and why it did not.

use crate::state::Way;
use crate::version::Version;

/// What a program does with the state that it finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Goal {
    /// It runs the version that the state is of.
    #[default]
    AsItIs,
    /// It runs this version, and moves the state up to it first.
    RunAt(Version),
    /// It takes the state back to this version, and serves nobody.
    BackTo(Version),
}

impl Goal {
    /// Whether a move that a crash has left unfinished is one that leads there.
    pub(super) fn wants(&self, way: Way, to: &Version) -> bool {
        match (self, way) {
            (Self::AsItIs, _) => true,
            (Self::RunAt(goal) | Self::BackTo(goal), Way::On) => to <= goal,
            (Self::RunAt(goal) | Self::BackTo(goal), Way::Back) => to >= goal,
        }
    }

    /// Whether a node that runs this version is there.
    pub(super) fn is_met_by(&self, version: &Version) -> bool {
        match self {
            Self::AsItIs => true,
            Self::RunAt(goal) => version == goal,
            Self::BackTo(goal) => version <= goal,
        }
    }
}

/// Why a node with a state did not start.
#[derive(Debug)]
pub(super) struct NotStarted {
    pub(super) kind: Kind,
    pub(super) why: String,
}

/// What whoever started it has to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The program cannot do what it was told, however often it is started.
    Unfit,
    /// It did not move; its state is of this version, and whole.
    WentBack(Version),
    /// Starting it again may help.
    Failed,
}

impl NotStarted {
    pub(super) fn unfit(why: impl Into<String>) -> Self {
        Self { kind: Kind::Unfit, why: why.into() }
    }

    pub(super) fn went_back(version: Version, why: impl Into<String>) -> Self {
        Self { kind: Kind::WentBack(version), why: why.into() }
    }
}

impl From<String> for NotStarted {
    fn from(why: String) -> Self {
        Self { kind: Kind::Failed, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_that_a_crash_has_left_is_wanted_where_it_leads_to_the_goal_and_not_past_it() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        let [old, middle, new] = ["1.0.0", "2.0.0", "3.0.0"].map(version);
        for (goal, way, to, wanted) in [
            (Goal::AsItIs, Way::On, &new, true),
            (Goal::AsItIs, Way::Back, &old, true),
            (Goal::RunAt(new.clone()), Way::On, &middle, true),
            (Goal::RunAt(middle.clone()), Way::On, &middle, true),
            (Goal::RunAt(old.clone()), Way::On, &middle, false),
            (Goal::RunAt(middle.clone()), Way::Back, &old, false),
            (Goal::RunAt(old.clone()), Way::Back, &old, true),
            (Goal::BackTo(old.clone()), Way::On, &middle, false),
            (Goal::BackTo(old.clone()), Way::Back, &old, true),
        ] {
            assert_eq!(goal.wants(way, to), wanted, "{goal:?} {way:?} {to}");
        }
    }
}
