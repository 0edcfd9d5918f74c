//! Numbers for whoever watches, in the text format of Prometheus (version 0.0.4).
//!
//! They are read when they are asked for, from counters that are there anyway; nothing here is on the way of a call. See
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::{self, Write as _};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

/// What the text is, as `content-type` says it.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// When the first node or coordinator of this program began, in seconds since 1970.
static STARTED: LazyLock<f64> = LazyLock::new(now);

/// What is answered to whoever asks for the numbers.
#[derive(Clone)]
pub(crate) struct Page(Arc<dyn Fn() -> Writing + Send + Sync>);

type Writing = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

impl Page {
    pub(crate) fn new<F>(write: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, String>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(write())))
    }

    /// The text as it is now, or why there is none.
    pub(crate) async fn text(&self) -> Result<String, String> {
        (self.0)().await
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Page")
    }
}

/// Begins to count time, if nobody has.
pub(crate) fn begin() {
    LazyLock::force(&STARTED);
}

/// What a family's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// They only grow.
    Counter,
    Gauge,
    Histogram,
}

/// The text, written a family at a time.
#[derive(Debug, Default)]
pub(crate) struct Text(String);

/// All numbers of one name. A family that has none is not told.
#[derive(Debug)]
pub(crate) struct Family<'t> {
    text: &'t mut String,
    name: &'static str,
    kind: Kind,
    help: &'static str,
    told: bool,
}

impl Text {
    pub(crate) fn family(&mut self, name: &'static str, kind: Kind, help: &'static str) -> Family<'_> {
        Family { text: &mut self.0, name, kind, help, told: false }
    }

    /// A family of one number without labels.
    pub(crate) fn single(&mut self, name: &'static str, kind: Kind, help: &'static str, value: f64) {
        self.family(name, kind, help).number(&[], value);
    }

    /// What this program is. Every page begins with it.
    pub(crate) fn build(&mut self) {
        let help = "The version of Straddle that the program was built with; always 1.";
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        self.family("straddle_build_info", Kind::Gauge, help).number(&version, 1.0);
        let help = "When the node or coordinator of this program was started, in seconds since 1970.";
        self.single("straddle_start_time_seconds", Kind::Gauge, help, *STARTED);
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

impl Family<'_> {
    pub(crate) fn number(&mut self, labels: &[(&str, &str)], value: f64) {
        self.sample("", labels, None, value);
    }

    pub(crate) fn count(&mut self, labels: &[(&str, &str)], count: u64) {
        self.number(labels, float(count));
    }

    /// A histogram: how many there were up to each bound, in seconds, and all of them together.
    pub(crate) fn histogram(
        &mut self,
        labels: &[(&str, &str)],
        groups: impl Iterator<Item = (f64, u64)>,
        sum_seconds: f64,
    ) {
        let mut all = 0;
        for (bound, count) in groups {
            all += count;
            if bound.is_finite() {
                self.sample("_bucket", labels, Some(&bound.to_string()), float(all));
            }
        }
        self.sample("_bucket", labels, Some("+Inf"), float(all));
        self.sample("_sum", labels, None, sum_seconds);
        self.sample("_count", labels, None, float(all));
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], bound: Option<&str>, value: f64) {
        if !std::mem::replace(&mut self.told, true) {
            let kind = match self.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            // Writing to a string does not fail.
            let _ = writeln!(self.text, "# HELP {} {}\n# TYPE {} {kind}", self.name, self.help, self.name);
        }
        self.text.push_str(self.name);
        self.text.push_str(suffix);
        let labels = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
        for (index, (name, value)) in labels.clone().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{name}=\"{}\"", escaped(value));
        }
        if labels.count() > 0 {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

/// A number as Prometheus keeps it. Beyond 2^53 it is rounded, as there.
#[expect(clippy::cast_precision_loss, reason = "all numbers of Prometheus are floating-point")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

fn now() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_written_as_prometheus_reads_them() {
        let mut text = Text::default();
        text.single("a_total", Kind::Counter, "All.", 3.0);
        text.family("none", Kind::Gauge, "Nothing.");
        let mut family = text.family("b", Kind::Gauge, "Some.");
        family.number(&[("one", "\"\\\n"), ("two", "ü")], 0.5);
        family.count(&[], u64::MAX);
        let groups = [(0.25, 2), (1.0, 0), (f64::INFINITY, 3)];
        text.family("c_seconds", Kind::Histogram, "Times.").histogram(&[("x", "y")], groups.into_iter(), 12.5);
        let expected = r#"# HELP a_total All.
# TYPE a_total counter
a_total 3
# HELP b Some.
# TYPE b gauge
b{one="\"\\\n",two="ü"} 0.5
b 18446744073709552000
# HELP c_seconds Times.
# TYPE c_seconds histogram
c_seconds_bucket{x="y",le="0.25"} 2
c_seconds_bucket{x="y",le="1"} 2
c_seconds_bucket{x="y",le="+Inf"} 5
c_seconds_sum{x="y"} 12.5
c_seconds_count{x="y"} 5
"#;
        assert_eq!(text.into_text(), expected);
    }
}
