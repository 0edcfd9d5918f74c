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

mod answer;
mod call;
mod context;
pub(crate) mod deadline;
mod gate;
mod guard;
mod inside;
mod outcome;
mod rewriting;
mod route;
mod service;
mod table;
mod unread;

pub use self::answer::{GeneratedBody, Object};
pub use self::gate::Gate;
pub use self::route::{End, Walk};
pub use self::service::{Dispatch, Dispatched};
pub use self::table::{NODE, SCHEMA, Table, VERSION};

pub(crate) use self::answer::Answer;
#[doc(hidden)]
pub use self::answer::Answering;
pub(crate) use self::call::Call;
pub(crate) use self::context::{Context, add_missing};
pub(crate) use self::outcome::{is_trailers_only, refusal_in};
pub(crate) use self::service::Within;
pub(crate) use self::table::{Missing, Objects, needed};
