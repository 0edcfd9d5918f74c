//! Why an agent or an operator is not given what it wants.

/// The reason, as `google.rpc.ErrorInfo` names it. `operator.proto` says what each of them means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "operator.proto has them, with their codes; a test holds the two together")]
pub enum Reason {
    NoSuchProtocol,
    NoSuchVersion,
    NoSuchNode,
    NoSuchUpgrade,
    NoSuchBundle,
    Immutable,
    BundleUnreadable,
    BundleUntrusted,
    BundleConflict,
    InvalidSchedule,
    Invalid,
    UnderWay,
    TooLate,
    NoWay,
    Blocked,
    TooMany,
    Fenced,
    Replaced,
    NameTaken,
    Heard,
    Slow,
    NotLeader,
    NotKnown,
    Stopping,
    Database,
}

impl Reason {
    /// All of them.
    #[cfg(test)]
    pub(in crate::coordinator) const ALL: [Self; 25] = [
        Self::NoSuchProtocol,
        Self::NoSuchVersion,
        Self::NoSuchNode,
        Self::NoSuchUpgrade,
        Self::NoSuchBundle,
        Self::Immutable,
        Self::BundleUnreadable,
        Self::BundleUntrusted,
        Self::BundleConflict,
        Self::InvalidSchedule,
        Self::Invalid,
        Self::UnderWay,
        Self::TooLate,
        Self::NoWay,
        Self::Blocked,
        Self::TooMany,
        Self::Fenced,
        Self::Replaced,
        Self::NameTaken,
        Self::Heard,
        Self::Slow,
        Self::NotLeader,
        Self::NotKnown,
        Self::Stopping,
        Self::Database,
    ];

    /// As `google.rpc.ErrorInfo` spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoSuchProtocol => "NO_SUCH_PROTOCOL",
            Self::NoSuchVersion => "NO_SUCH_VERSION",
            Self::NoSuchNode => "NO_SUCH_NODE",
            Self::NoSuchUpgrade => "NO_SUCH_UPGRADE",
            Self::NoSuchBundle => "NO_SUCH_BUNDLE",
            Self::Immutable => "IMMUTABLE",
            Self::BundleUnreadable => "BUNDLE_UNREADABLE",
            Self::BundleUntrusted => "BUNDLE_UNTRUSTED",
            Self::BundleConflict => "BUNDLE_CONFLICT",
            Self::InvalidSchedule => "INVALID_SCHEDULE",
            Self::Invalid => "INVALID",
            Self::UnderWay => "UNDER_WAY",
            Self::TooLate => "TOO_LATE",
            Self::NoWay => "NO_WAY",
            Self::Blocked => "BLOCKED",
            Self::TooMany => "TOO_MANY",
            Self::Fenced => "FENCED",
            Self::Replaced => "REPLACED",
            Self::NameTaken => "NAME_TAKEN",
            Self::Heard => "HEARD",
            Self::Slow => "SLOW",
            Self::NotLeader => "NOT_LEADER",
            Self::NotKnown => "NOT_KNOWN",
            Self::Stopping => "STOPPING",
            Self::Database => "DATABASE",
        }
    }
}
