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
    experiment: false,
};

const FIRST: &[(&str, &str)] = &[("straddle-version", "1.0.0")];
const SECOND: &[(&str, &str)] = &[("straddle-version", "2.0.0")];

/// A node that runs 2.0.0.
const NODE: Candidate =
    Candidate { serve: servers::straddle::newer, drivers: &[Driver::Raw, Driver::Straddle], ..BASE };

/// A node that runs 11.0.0 of another protocol, whose steps are rules. What its callers say is a few bytes more.
const RULES: Candidate = Candidate { serve: servers::straddle::behind_rules, sent: sent::numbered, ..BASE };

const EXPERIMENT: Candidate = Candidate { experiment: true, ..BASE };

pub(crate) const RAW: &str = "raw";
pub(crate) const TONIC: &str = "tonic";
pub(crate) const SAME: &str = "straddle same version";
pub(crate) const ATTENDING: &str = "straddle same version, attending";
pub(crate) const ONE_APART: &str = "straddle through rules";
pub(crate) const TEN_APART: &str = "straddle through rules, ten apart";

pub(crate) const CANDIDATES: &[Candidate] = &[
    Candidate { name: RAW, serve: servers::raw::serve, ..BASE },
    Candidate { name: TONIC, serve: servers::tonic::serve, drivers: &[Driver::Raw, Driver::Tonic], ..BASE },
    Candidate { name: SAME, metadata: SECOND, ..NODE },
    Candidate { name: ATTENDING, metadata: SECOND, serve: servers::straddle::attending, ..BASE },
    Candidate { name: "straddle through one code simulation object", metadata: FIRST, ..NODE },
    Candidate { name: ONE_APART, metadata: &[("straddle-version", "10.0.0")], ..RULES },
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
