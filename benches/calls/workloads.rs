//! The kinds of calls that are measured.

pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) call: Call,
    pub(crate) in_flight: usize,
}

#[derive(Clone, Copy)]
pub(crate) enum Call {
    /// An echo of so many bytes.
    Unary { size: usize },
    /// So many messages of so many bytes in answer to one.
    Stream { count: u32, size: u32 },
}

pub(crate) const WORKLOADS: &[Workload] = &[
    Workload { name: "32 B", call: Call::Unary { size: 32 }, in_flight: 1 },
    Workload { name: "32 B", call: Call::Unary { size: 32 }, in_flight: 64 },
    Workload { name: "1 MiB", call: Call::Unary { size: 1 << 20 }, in_flight: 1 },
    Workload { name: "1 MiB", call: Call::Unary { size: 1 << 20 }, in_flight: 64 },
    Workload { name: "stream of 10,000", call: Call::Stream { count: 10_000, size: 32 }, in_flight: 1 },
];

impl Workload {
    /// Its name among the workloads.
    pub(crate) fn title(&self) -> String {
        format!("{} / {} in flight", self.name, self.in_flight)
    }

    pub(crate) fn find(title: &str) -> Result<&'static Self, String> {
        WORKLOADS.iter().find(|workload| workload.title() == title).ok_or_else(|| format!("no workload {title}"))
    }
}
