//! What nodes say: who they are, and what their callers have called.

use std::sync::LazyLock;

use straddle::control::v1_0_0::{
    CalledMethod, CallerCalls, CallerKind, Calls, Census, Hello, KnownVersion, Phase, Report, Way,
};
use straddle::inventory::generated::protocol;

/// The versions of the inventory that nodes can run.
pub(crate) const RUNS: [&str; 3] = ["1.1.0", "2.0.0", "3.0.0"];
/// What their callers speak, and call.
const CALLERS: [&str; 3] = ["1.0.0", "1.1.0", "2.0.0"];
const METHODS: [&str; 4] = ["GetItem", "ListItems", "Reserve", "Release"];

/// Who a node is.
pub(crate) fn hello(number: usize) -> Hello {
    static ALL: LazyLock<Hello> = LazyLock::new(all);
    let name = format!("inventory-{number:06}");
    let labels = [
        ("zone".to_owned(), format!("zone-{}", number % 5)),
        ("role".to_owned(), ["storage", "gateway", "batch"][number % 3].to_owned()),
    ];
    Hello {
        node: name.clone(),
        address: format!("10.{}.{}.{}:7000", number >> 16, number >> 8 & 255, number & 255),
        labels: labels.into_iter().collect(),
        instance: format!("{name}-1"),
        ..ALL.clone()
    }
}

/// How a node is doing that runs one of the versions, and what it was called since it said so last.
pub(crate) fn report(serves: bool, runs: usize) -> Report {
    let version = RUNS[runs];
    let here = |calls: &Calls| Calls { node_version: version.to_owned(), ..calls.clone() };
    Report {
        version: version.to_owned(),
        phase: Phase::Serving.into(),
        next: RUNS.get(runs + 1).copied().unwrap_or_default().to_owned(),
        serving: serves,
        active: "1.0.0".to_owned(),
        calls_running: 3,
        calls: if serves { calls().iter().map(here).collect() } else { Vec::new() },
        ..Report::default()
    }
}

/// In so many batches a node tells what was called in half a minute.
pub(crate) const BATCHES: usize = 3;

/// Who has called what in half a minute: each method of each version ten callers, of thirty that there are; a part of it.
pub(crate) fn census(serves: bool, part: usize) -> Census {
    static CENSUS: LazyLock<Vec<Census>> = LazyLock::new(|| {
        let called = |calls: &Calls| CalledMethod {
            version: calls.version.clone(),
            method: calls.method.clone(),
            begun: 2 * calls.answered,
            answered: 2 * calls.answered,
            ..CalledMethod::default()
        };
        let callers = |(row, calls): (usize, &Calls)| {
            let caller = |number: usize| CallerCalls {
                caller: format!("service-{:02}", (row + number) % 30),
                kind: CallerKind::Named.into(),
                called: u32::try_from(row).unwrap_or(u32::MAX),
                calls: 6 * calls.answered / 10,
                ..CallerCalls::default()
            };
            (0..10).map(caller).collect::<Vec<_>>()
        };
        let methods: Vec<CalledMethod> = calls().iter().map(called).collect();
        let callers: Vec<CallerCalls> = calls().iter().enumerate().flat_map(callers).collect();
        let parts = callers.chunks(callers.len().div_ceil(BATCHES));
        parts.map(|part| Census { methods: methods.clone(), callers: part.to_vec(), ..Census::default() }).collect()
    });
    if serves { CENSUS[part % BATCHES].clone() } else { Census::default() }
}

/// What holds for all nodes.
fn all() -> Hello {
    let protocol = protocol();
    let known = protocol.versions().iter().map(|schema| KnownVersion {
        version: schema.version().to_string(),
        schema: schema.digest().to_owned(),
        learned: false,
    });
    Hello {
        protocol: protocol.name().to_owned(),
        runs: RUNS.map(str::to_owned).to_vec(),
        ways: [Way::Soft, Way::Drain, Way::Barrier].map(Way::into).to_vec(),
        knows: known.collect(),
        ..Hello::default()
    }
}

/// What is called between two reports: each version calls four methods, a hundred times a second.
fn calls() -> &'static [Calls] {
    static CALLS: LazyLock<Vec<Calls>> = LazyLock::new(|| {
        let protocol = protocol();
        let of = |caller: &&str| {
            let schema = caller.parse().ok().and_then(|version| protocol.schema(&version)).into_iter();
            let methods =
                schema.flat_map(straddle::protocol::Schema::methods).map(|method| method.full_name().to_owned());
            let called = methods.filter(|name| METHODS.iter().any(|method| name.ends_with(&format!(".{method}"))));
            let caller = (*caller).to_owned();
            called.map(move |method| (caller.clone(), method)).collect::<Vec<_>>()
        };
        let latency = || [&[12, 140, 230, 75, 30, 9, 3, 1][..], &[0; 12]].concat();
        let one = |(version, method)| Calls { version, method, answered: 500, latency: latency(), ..Calls::default() };
        CALLERS.iter().flat_map(of).map(one).collect()
    });
    &CALLS
}
