//! Services that both versions have, and those that one lacks.

use prost_types::method_options::IdempotencyLevel;
use prost_types::{MethodDescriptorProto, ServiceDescriptorProto};

use super::super::rule::Id;
use super::effect::{self, elements};
use super::index::{Declared, join, number, tag};
use super::report::{About, At, Report, at};

pub(super) fn compare(report: &mut Report<'_>) {
    let (old_index, new_index) = (report.old, report.new);
    for old in old_index.services.iter() {
        if let Some(new) = new_index.services.get(&report.names.now(&old.name)) {
            methods(report, old, new);
            continue;
        }
        let what = "the service is gone, with all its methods".to_owned();
        let at = At::Old(old.file, &old.path);
        report.add(Id::STRADDLE_SERVICE_NO_DELETE, at, About::whole(&old.name), what, elements::method_deleted());
    }
}

fn methods(
    report: &mut Report<'_>,
    old: &Declared<'_, ServiceDescriptorProto>,
    new: &Declared<'_, ServiceDescriptorProto>,
) {
    for was in &old.item.method {
        let full = join(&old.name, was.name());
        let now = report.names.now(&full).into_owned();
        let found = new.item.method.iter().position(|is| join(&new.name, is.name()) == now);
        if let Some(position) = found {
            method(report, new, was, position);
        } else if !is_elsewhere(report, &now) {
            for rule in [Id::RPC_NO_DELETE, Id::STRADDLE_RPC_NO_DELETE] {
                let what = format!("the method {} is gone", was.name());
                let about = About::part(&new.name, was.name());
                report.add(rule, at(new, &[&new.path]), about, what, elements::method_deleted());
            }
        }
    }
}

/// Whether a method that was renamed lies in another service.
fn is_elsewhere(report: &Report<'_>, now: &str) -> bool {
    let Some((service, method)) = now.rsplit_once('.') else { return false };
    let service = report.new.services.get(service);
    service.is_some_and(|service| service.item.method.iter().any(|is| is.name() == method))
}

const IDEMPOTENCY_LEVEL: i32 = 34;

fn method(
    report: &mut Report<'_>,
    new: &Declared<'_, ServiceDescriptorProto>,
    was: &MethodDescriptorProto,
    position: usize,
) {
    let is = &new.item.method[position];
    let path = |tail: &[i32]| [new.path.as_slice(), &[tag::SERVICE_METHOD, number(position)], tail].concat();
    let about = || About::part(&new.name, is.name());
    let name = is.name();
    let kind = |stream: bool| if stream { "a stream" } else { "one message" };
    let sides = [
        (Id::RPC_SAME_CLIENT_STREAMING, "request", was.client_streaming(), is.client_streaming()),
        (Id::RPC_SAME_SERVER_STREAMING, "response", was.server_streaming(), is.server_streaming()),
    ];
    for (rule, side, was, is) in sides {
        if was != is {
            let what = format!("the method {name} had {} as {side}, and has {}", kind(was), kind(is));
            report.add(rule, at(new, &[&path(&[])]), about(), what, elements::streaming_changed(side, is));
        }
    }
    let types = [
        (Id::RPC_SAME_REQUEST_TYPE, "takes", tag::METHOD_INPUT, was.input_type(), is.input_type()),
        (Id::RPC_SAME_RESPONSE_TYPE, "gives", tag::METHOD_OUTPUT, was.output_type(), is.output_type()),
    ];
    for (rule, verb, tag, was, is) in types {
        if !report.names.same_type(was, is) {
            let (was, is) = (was.trim_start_matches('.'), is.trim_start_matches('.'));
            let what = format!("the method {name} {verb} {is} now, not {was}");
            report.add(rule, at(new, &[&path(&[tag])]), about(), what, elements::type_of_method_changed());
        }
    }
    let (before, now) = (idempotency(was), idempotency(is));
    if before != now {
        let what = format!("the method {name} was {}, and is {}", before.as_str_name(), now.as_str_name());
        let option = path(&[tag::METHOD_OPTIONS, IDEMPOTENCY_LEVEL]);
        let effect =
            effect::both("reads the same bytes; callers that retry or send GET by this level do so differently");
        report.add(Id::RPC_SAME_IDEMPOTENCY_LEVEL, at(new, &[&option]), about(), what, effect);
    }
}

fn idempotency(method: &MethodDescriptorProto) -> IdempotencyLevel {
    method.options.as_ref().map(prost_types::MethodOptions::idempotency_level).unwrap_or_default()
}
