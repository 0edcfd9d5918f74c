//! The registry of what is measured.

use std::io;
use std::pin::Pin;

use tokio::net::TcpListener;

use crate::drivers::Driver;
use crate::sent::{self, Sent};
use crate::servers::{self, experiments};
use crate::workloads::Call;

pub(crate) struct Candidate {
    pub(crate) name: &'static str,
    /// Serves connections of the listener, on the current-thread runtime of a process of its own, until that ends.
    pub(crate) serve: fn(TcpListener) -> Serving,
    /// Who calls it; rows under the raw driver tell what the server costs.
    pub(crate) drivers: &'static [Driver],
    /// What its calls carry besides gRPC's own headers (raw driver only), as a label.
    pub(crate) metadata: &'static [(&'static str, &'static str)],
    /// What its calls say (raw driver only).
    pub(crate) sent: fn(Call) -> Sent,
    pub(crate) answer: Answer,
    /// The candidate that is the same without what this one has on.
    pub(crate) off: Option<&'static str>,
    /// Runs only with `--experiments`.
    pub(crate) experiment: bool,
}

pub(crate) type Serving = Pin<Box<dyn Future<Output = io::Result<()>>>>;

/// What each call has to be answered with; anything else fails the run.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// What the workload says.
    Echo,
    /// This status, and no message.
    Status(tonic::Code),
}

const BASE: Candidate = Candidate {
    name: "",
    serve: servers::raw::serve,
    drivers: &[Driver::Raw],
    metadata: &[],
    sent: sent::plain,
    answer: Answer::Echo,
    off: None,
    experiment: false,
};

const FIRST: &[(&str, &str)] = &[("straddle-version", "1.0.0")];
const SECOND: &[(&str, &str)] = &[("straddle-version", "2.0.0")];
const TENTH: &[(&str, &str)] = &[("straddle-version", "10.0.0")];

/// A node that runs 2.0.0.
const NODE: Candidate =
    Candidate { serve: servers::straddle::newer, drivers: &[Driver::Raw, Driver::Straddle], ..BASE };

/// A node that runs 11.0.0 of another protocol, whose steps are rules. What its callers say is a few bytes more.
const RULES: Candidate = Candidate { serve: servers::straddle::behind_rules, sent: sent::numbered, ..BASE };

/// What these have on costs as much as they take more than the same without. *Attending*: callers are counted. *Watched*: numbers are
/// asked for each second, too. *Sampled*: and the span of one call in a hundred is taken. *Traced*: and each call's span is.
const SAME_ON: Candidate = Candidate { metadata: SECOND, off: Some(SAME), ..BASE };
const CODE_ON: Candidate = Candidate { metadata: FIRST, off: Some(CODE), ..BASE };
const RULES_ON: Candidate = Candidate { metadata: TENTH, off: Some(ONE_APART), ..RULES };

const EXPERIMENT: Candidate = Candidate { experiment: true, ..BASE };

pub(crate) const RAW: &str = "raw";
pub(crate) const TONIC: &str = "tonic";
pub(crate) const SAME: &str = "straddle same version";
const CODE: &str = "straddle through one code simulation object";
pub(crate) const ONE_APART: &str = "straddle through rules";
pub(crate) const TEN_APART: &str = "straddle through rules, ten apart";

pub(crate) const CANDIDATES: &[Candidate] = &[
    Candidate { name: RAW, serve: servers::raw::serve, ..BASE },
    Candidate { name: TONIC, serve: servers::tonic::serve, drivers: &[Driver::Raw, Driver::Tonic], ..BASE },
    Candidate { name: SAME, metadata: SECOND, ..NODE },
    Candidate { name: "straddle same version, attending", serve: servers::watched::attending, ..SAME_ON },
    Candidate { name: "straddle same version, watched", serve: servers::watched::newer, ..SAME_ON },
    Candidate { name: "straddle same version, sampled", serve: servers::watched::newer_sampled, ..SAME_ON },
    Candidate { name: "straddle same version, traced", serve: servers::watched::newer_traced, ..SAME_ON },
    Candidate { name: CODE, metadata: FIRST, ..NODE },
    Candidate {
        name: "straddle through one code simulation object, watched",
        serve: servers::watched::newer,
        ..CODE_ON
    },
    Candidate {
        name: "straddle through one code simulation object, sampled",
        serve: servers::watched::newer_sampled,
        ..CODE_ON
    },
    Candidate {
        name: "straddle through one code simulation object, traced",
        serve: servers::watched::newer_traced,
        ..CODE_ON
    },
    Candidate { name: ONE_APART, metadata: TENTH, ..RULES },
    Candidate { name: "straddle through rules, watched", serve: servers::watched::behind_rules, ..RULES_ON },
    Candidate { name: "straddle through rules, sampled", serve: servers::watched::behind_rules_sampled, ..RULES_ON },
    Candidate { name: "straddle through rules, traced", serve: servers::watched::behind_rules_traced, ..RULES_ON },
    Candidate { name: TEN_APART, metadata: &[("straddle-version", "1.0.0")], ..RULES },
    Candidate {
        name: "straddle refused",
        serve: servers::straddle::older,
        metadata: SECOND,
        answer: Answer::Status(tonic::Code::FailedPrecondition),
        ..BASE
    },
    Candidate {
        name: "x same version of the node behind rules",
        metadata: &[("straddle-version", "11.0.0")],
        sent: sent::numbered_natively,
        experiment: true,
        ..RULES
    },
    Candidate { name: "x tonic's generated server", serve: experiments::tonic, ..EXPERIMENT },
    Candidate { name: "x straddle's generated server", serve: experiments::wire, ..EXPERIMENT },
];

impl Candidate {
    pub(crate) fn find(name: &str) -> Result<&'static Self, String> {
        CANDIDATES.iter().find(|candidate| candidate.name == name).ok_or_else(|| format!("no candidate {name}"))
    }
}
