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
use super::view::View;
use crate::metrics::{Kind, Page, Text};
use crate::node::admin::{Reason, failure};
use crate::transport::{Serving, read_page};

pub(super) fn serve(
    service: Admin,
    metrics: Page,
    listener: TcpListener,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<Serving> {
    crate::node::admin::serve(service, metrics, listener, async move {
        let _ = stopping.wait_for(|stopping| *stopping).await;
    })
}

/// The numbers of the supervisor, and with them those of the program that serves: whoever watches asks at one address, whichever
/// program there is.
pub(super) fn metrics(view: watch::Receiver<View>) -> Page {
    Page::new(move || {
        let View { status, program_admin, .. } = view.borrow().clone();
        async move {
            let program = match program_admin {
                Some(address) => read_page(&address, "/metrics").await,
                None => Err("no program serves".to_owned()),
            };
            let crashes = status.program.map_or(0, |program| program.crashes);
            let mut text = Text::default();
            let help = "1 while the supervisor's program answers, whose numbers are told as well; 0 while none does.";
            text.single("straddle_supervisor_program_up", Kind::Gauge, help, if program.is_ok() { 1.0 } else { 0.0 });
            let help =
                "Crashes of the program that count against it: those of the last minute, if nobody set another time.";
            text.single("straddle_supervisor_recent_crashes", Kind::Gauge, help, f64::from(crashes));
            Ok(text.into_text() + &program.unwrap_or_default())
        }
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
