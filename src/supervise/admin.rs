//! The supervisor's admin service: that of a node. What its program can do it is told to do; upgrades and rollbacks replace the
//! program.

mod asker;
mod plan;
mod service;

use std::io;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::Status;

pub(super) use self::asker::{Ask, Asker, More};
pub(super) use self::service::Admin;
use super::error::SuperviseError;
use super::machine::{Failed, How, Run};
use crate::node::admin::{Reason, failure};
use crate::transport::Serving;

pub(super) fn serve(service: Admin, listener: TcpListener, mut stopping: watch::Receiver<bool>) -> io::Result<Serving> {
    crate::node::admin::serve(service, listener, async move {
        let _ = stopping.wait_for(|stopping| *stopping).await;
    })
}

pub(super) fn busy() -> Status {
    failure(Reason::Busy, "another move, or the start of its program, is under way", &[])
}

/// Nothing was begun, since it could not be written down.
pub(super) fn unwritten(error: &SuperviseError) -> Status {
    failure(Reason::NoSpace, &format!("the supervisor's journal cannot be written: {error}"), &[])
}

pub(super) fn failed(failed: &Failed, at: &Run) -> Status {
    let version = ("version", at.version.to_string());
    let phase = |phase: &str| ("phase", phase.to_owned());
    match failed.how {
        How::Busy => busy(),
        How::Cannot => failure(Reason::NoWay, &format!("the new program: {}", failed.why), &[]),
        How::NotBegun => {
            let what = format!("the new program was not prepared: {}", failed.why);
            failure(Reason::MoveFailed, &what, &[phase("permitted"), version])
        }
        How::Stayed | How::Back => {
            let what = format!("the new program failed, and {at} serves again: {}", failed.why);
            failure(Reason::MoveFailed, &what, &[phase("transforming"), version])
        }
        How::NoWayBack => failure(Reason::Stuck, &failed.why, &[phase("reversing")]),
    }
}
