//! Dispatch: from a call's label and path to the object that answers.
//!
//! For a node that runs version N, each pair of a served version and a method has one route, compiled when the table is
//! made and never during a call. A [`Walk`] goes from the caller's version to N, hop by hop. See
//! *The way of a call* in ARCHITECTURE.md.
//!
//! # Labels
//!
//! A call carries `straddle-version: 2.1.0`; its patch number is ignored. One label holds for every message of the
//! call, both ways. The response says `straddle-version` (the caller's own), `straddle-node` (what the node runs) and
//! `straddle-schema` (the digest of the labelled version's schema). A request may carry `straddle-schema` too, and is
//! refused when the node has another schema under that version. A caller without a label is taken for
//! [`Protocol::version_for_unlabelled`](crate::Protocol::version_for_unlabelled).
//!
//! It may carry `straddle-caller: billing`, too: who calls. Nodes that attend a coordinator tell it who still calls what, and who
//! gives no name is told by its address and user agent.
//!
//! A caller whose version the node does not know and cannot learn makes the call in an older one, where rules bridge it:
//! a [`Channel`](crate::transport::Channel) does that for labelled clients. Such answers say `straddle-simulated`, the
//! version that the call was made in; the node has never heard of the other one.
//!
//! # Streams that go on
//!
//! A request that says `straddle-resume: 1` has a caller that goes on with the stream after its end, as a
//! [`Channel`](crate::transport::Channel) does with what `protocol.toml` declares under
//! [`[resume]`](crate::protocol::resume). When the node [drains](Gate::drain_streams), the stream ends between two messages as
//! `UNAVAILABLE`, with `straddle-resume: drain` among its trailers, and the next call waits at the gate. What the caller says
//! of itself counts, of methods whose answers are streams and whose requests are not: to go on is its part.

mod answer;
mod call;
mod calling;
mod context;
pub(crate) mod deadline;
mod doors;
mod ending;
mod gate;
mod guard;
mod inside;
mod older;
mod outcome;
mod rewriting;
mod route;
mod sampling;
mod service;
mod table;
mod tally;
mod traced;

pub use self::answer::{GeneratedBody, Object};
pub use self::doors::{DEPRECATION, SUNSET};
pub use self::gate::{EndedStreams, Gate, StreamsInside};
pub use self::route::{End, Walk};
pub use self::sampling::Sampling;
pub use self::service::{Dispatch, Dispatched};
pub use self::table::{CALLER, NODE, RESUME, SCHEMA, SIMULATED, Table, VERSION};

pub(crate) use self::answer::Answer;
#[doc(hidden)]
pub use self::answer::Answering;
pub(crate) use self::call::Call;
pub(crate) use self::context::{Context, add_missing};
pub(crate) use self::doors::date;
pub(crate) use self::ending::Ending;
pub(crate) use self::older::{Older, Way};
pub(crate) use self::outcome::{is_trailers_only, refusal_in, tell};
pub(crate) use self::rewriting::Compiling;
pub(crate) use self::service::{Going, Within};
pub(crate) use self::table::{Missing, Objects, RESUME_ABLE, RESUME_DRAIN, needed};
pub(crate) use self::tally::{Called, Cost, Counted, Counts, RewriteCosts, bound};
