//! A schedule on the command line: flags that make a `schedule.toml`, or the file itself.

use std::fmt::{Display, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::{BadArguments, duration};
use crate::coordinator::schedule::{self, Gate, Share, Window};
use crate::version::Version;

#[derive(Args, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag by itself")]
#[command(next_help_heading = "Schedule [default: one node at a time, with the standard gates]")]
pub(in crate::cli) struct ScheduleArguments {
    /// All of it as a schedule.toml; then nothing else of it is said by flags
    #[arg(long, value_name = "FILE")]
    schedule: Option<PathBuf>,
    /// At most so many nodes at once, as 2 or 10% [default: 1]
    #[arg(long, value_name = "NODES", conflicts_with = "schedule")]
    rolling: Option<Share>,
    /// A few nodes first, then more: how many are there after each stage, as 1,10%,50%
    #[arg(long, value_name = "NODES", value_delimiter = ',', conflicts_with = "schedule")]
    canary: Vec<Share>,
    /// How long a stage of --canary serves before the next one begins [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "canary")]
    bake: Option<Duration>,
    /// Count the stages of --canary in each domain of --by
    #[arg(long, requires_all = ["canary", "by"])]
    canary_in_each_domain: bool,
    /// One failure domain at a time: nodes with one value of this label, as zone
    #[arg(long, value_name = "LABEL", conflicts_with = "schedule")]
    by: Option<String>,
    /// The domains of --by that go first, in this order
    #[arg(long, value_name = "VALUE", value_delimiter = ',', requires = "by")]
    by_order: Vec<String>,
    /// How long a domain of --by serves before the next one begins
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "by")]
    by_bake: Option<Duration>,
    /// One role after the other, in this order: values of the label `role`, as storage,gateway
    #[arg(long, value_name = "ROLE", value_delimiter = ',', conflicts_with = "schedule")]
    roles: Vec<String>,
    /// The label of --roles
    #[arg(long, value_name = "LABEL", requires = "roles")]
    roles_by: Option<String>,
    /// Nodes of another protocol have to be at a version first, as billing=2.1.0
    #[arg(long, value_name = "PROTOCOL=VERSION", value_parser = after, conflicts_with = "schedule")]
    after: Vec<(String, Version)>,
    /// Only within these hours, as "Mon-Fri 09:00-17:00 Europe/Berlin"; given again, within those as well
    #[arg(long, value_name = "HOURS", conflicts_with = "schedule")]
    window: Vec<Window>,
    /// Only while fewer than so many calls run on the node
    #[arg(long, value_name = "CALLS", conflicts_with = "schedule")]
    idle: Option<u64>,
    /// Only while the node answers fewer than so many calls a second
    #[arg(long, value_name = "CALLS", conflicts_with = "schedule")]
    load: Option<f64>,
    /// Only while all nodes together answer fewer than so many calls a second
    #[arg(long, value_name = "CALLS", conflicts_with = "schedule")]
    fleet_load: Option<f64>,
    /// In an order that is made of the upgrade's seed
    #[arg(long, conflicts_with = "schedule")]
    random: bool,
    /// With a time up to this, made of the seed, between one node and the next
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, conflicts_with = "schedule")]
    jitter: Option<Duration>,
    /// All that may go are prepared, and switch at one word
    #[arg(long, conflicts_with = "schedule")]
    together: bool,
    /// Nodes go when they are let go by name
    #[arg(long, conflicts_with = "schedule")]
    manual: bool,
    /// As a scheduling function of the coordinator's own says
    #[arg(long, value_name = "NAME", conflicts_with = "schedule")]
    own: Vec<String>,
    /// So many nodes go on serving, as 2 or 80% [default: 1, of more than one]
    #[arg(long, value_name = "NODES", conflicts_with = "schedule")]
    minimum_serving: Option<Share>,
    /// So many of --minimum-serving for each value of this label
    #[arg(long, value_name = "LABEL", requires = "minimum_serving")]
    serving_by: Option<String>,
    /// At most so many versions run at once
    #[arg(long, value_name = "VERSIONS", conflicts_with = "schedule")]
    versions: Option<usize>,
    /// The oldest and the newest version that run are at most so many steps apart
    #[arg(long, value_name = "STEPS", conflicts_with = "schedule")]
    apart: Option<usize>,
    /// This has to hold, in CEL, as "errors <= baseline.errors + 0.01"; in place of the standard gates
    #[arg(long, value_name = "CONDITION", value_parser = gate, conflicts_with = "schedule")]
    gate: Vec<String>,
    /// The standard gates as well as those of --gate
    #[arg(long, requires = "gate")]
    standard_gates: bool,
    /// No gates
    #[arg(long, conflicts_with_all = ["schedule", "gate"])]
    no_gates: bool,
    /// With fewer calls in a minute a gate cannot tell anything yet [default: 50]
    #[arg(long, value_name = "CALLS", conflicts_with_all = ["schedule", "no_gates"])]
    minimum_calls: Option<u64>,
    /// How long calls are waited for after the last node came [default: 2m]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, conflicts_with_all = ["schedule", "no_gates"])]
    patience: Option<Duration>,
}

impl ScheduleArguments {
    /// The `schedule.toml`; empty where nothing is said.
    ///
    /// # Errors
    /// When the file cannot be read, or is none; or when the flags together make none.
    pub(in crate::cli) fn text(&self) -> Result<String, BadArguments> {
        let Some(file) = &self.schedule else {
            let made = |shown: String| format!("these flags make a schedule that cannot be:\n{shown}");
            return Self::checked(self.written(), made);
        };
        let text = std::fs::read_to_string(file)
            .map_err(|error| BadArguments(format!("{} cannot be read: {error}", file.display())))?;
        Self::checked(text, |shown| format!("{} is no schedule:\n{shown}", file.display()))
    }

    /// What the coordinator would refuse is told here. Only it knows its own scheduling functions.
    fn checked(text: String, told: impl FnOnce(String) -> String) -> Result<String, BadArguments> {
        match schedule::parse(&text) {
            Err(error) if !error.is_unknown_own() => Err(BadArguments(told(error.shown(&text)))),
            _ => Ok(text),
        }
    }

    fn written(&self) -> String {
        let mut text = String::new();
        let mut file = Writer { text: &mut text };
        file.flag("manual", self.manual);
        file.flag("together", self.together);
        file.list("window", &self.window);
        file.list("own", &self.own);
        file.table("after", |file| {
            for (protocol, version) in &self.after {
                file.quoted(&quoted(protocol), Some(version));
            }
        });
        file.table("roles", |file| {
            file.quoted("label", self.roles_by.as_ref());
            file.list("order", &self.roles);
        });
        file.table("domains", |file| {
            file.quoted("label", self.by.as_ref());
            file.list("order", &self.by_order);
            file.time("bake", self.by_bake);
        });
        file.table("canary", |file| {
            file.list("stages", &self.canary);
            file.time("bake", self.bake);
            file.flag("in_each_domain", self.canary_in_each_domain);
        });
        file.table("load", |file| {
            file.number("node_below", self.load);
            file.number("fleet_below", self.fleet_load);
        });
        file.table("idle", |file| file.plain("below", self.idle));
        file.table("random", |file| {
            if self.random || self.jitter.is_some() {
                file.plain("order", Some(self.random));
            }
            file.time("jitter", self.jitter);
        });
        file.table("rolling", |file| file.quoted("at_once", self.rolling));
        file.table("limits", |file| {
            file.quoted("minimum_serving", self.minimum_serving);
            file.quoted("serving_by", self.serving_by.as_ref());
            file.plain("versions", self.versions);
            file.plain("apart", self.apart);
        });
        file.table("gates", |file| {
            if self.no_gates || self.standard_gates {
                file.plain("standard", Some(self.standard_gates));
            }
            file.plain("minimum_calls", self.minimum_calls);
            file.time("patience", self.patience);
        });
        for gate in &self.gate {
            file.table("[gate]", |file| file.quoted("holds", Some(gate)));
        }
        text
    }
}

/// Writes TOML.
struct Writer<'t> {
    text: &'t mut String,
}

impl Writer<'_> {
    /// A table, unless it would be empty.
    fn table(&mut self, name: &str, fill: impl FnOnce(&mut Writer<'_>)) {
        let mut inside = String::new();
        fill(&mut Writer { text: &mut inside });
        if !inside.is_empty() {
            let _ = write!(self.text, "[{name}]\n{inside}");
        }
    }

    fn plain(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            let _ = writeln!(self.text, "{key} = {value}");
        }
    }

    /// A number that is not whole; `{:?}` writes its point.
    fn number(&mut self, key: &str, value: Option<f64>) {
        if let Some(value) = value {
            let _ = writeln!(self.text, "{key} = {}", format!("{value:?}").to_lowercase());
        }
    }

    fn quoted(&mut self, key: &str, value: Option<impl Display>) {
        self.plain(key, value.map(|value| quoted(&value.to_string())));
    }

    fn time(&mut self, key: &str, value: Option<Duration>) {
        self.quoted(key, value.map(|value| format!("{}ms", value.as_millis())));
    }

    fn flag(&mut self, key: &str, value: bool) {
        self.plain(key, value.then_some(true));
    }

    fn list(&mut self, key: &str, values: &[impl Display]) {
        let all: Vec<String> = values.iter().map(|value| quoted(&value.to_string())).collect();
        self.plain(key, (!all.is_empty()).then(|| format!("[{}]", all.join(", "))));
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

fn after(text: &str) -> Result<(String, Version), String> {
    let (protocol, version) = text.split_once('=').ok_or("a protocol and a version are wanted, as billing=2.1.0")?;
    Ok((protocol.to_owned(), version.parse().map_err(|error: crate::VersionError| error.to_string())?))
}

fn gate(text: &str) -> Result<String, String> {
    match Gate::new("gate", text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            let place = error.offset.and_then(|offset| text.get(..offset)).map(|before| before.chars().count());
            let caret = place.map_or_else(String::new, |place| format!("\n  {text}\n  {}^", " ".repeat(place)));
            Err(format!("{}; {}{caret}", error.what, error.advice))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        schedule: ScheduleArguments,
    }

    fn parsed(flags: &[&str]) -> Result<ScheduleArguments, String> {
        let flags = std::iter::once("straddle").chain(flags.iter().copied());
        Program::try_parse_from(flags).map(|program| program.schedule).map_err(|error| error.to_string())
    }

    fn text(flags: &[&str]) -> String {
        let arguments = parsed(flags).unwrap_or_else(|error| panic!("{flags:?}: {error}"));
        arguments.text().unwrap_or_else(|error| panic!("{flags:?}: {}", error.0))
    }

    #[test]
    fn flags_make_a_schedule() {
        for (flags, toml) in [
            (&[][..], ""),
            (&["--rolling", "2"], "[rolling]\nat_once = \"2\"\n"),
            (&["--rolling", "10%"], "[rolling]\nat_once = \"10%\"\n"),
            (
                &["--canary", "1,10%,50%", "--bake", "10m"],
                "[canary]\nstages = [\"1\", \"10%\", \"50%\"]\nbake = \"600000ms\"\n",
            ),
            (&["--by", "zone"], "[domains]\nlabel = \"zone\"\n"),
            (
                &["--window", "Mon-Fri 09:00-17:00 Europe/Berlin"],
                "window = [\"Mon,Tue,Wed,Thu,Fri 09:00-17:00 Europe/Berlin\"]\n",
            ),
            (&["--together"], "together = true\n"),
            (&["--manual"], "manual = true\n"),
            (&["--minimum-serving", "80%"], "[limits]\nminimum_serving = \"80%\"\n"),
            (&["--jitter", "1s"], "[random]\norder = false\njitter = \"1000ms\"\n"),
            (&["--load", "10"], "[load]\nnode_below = 10.0\n"),
            (&["--no-gates"], "[gates]\nstandard = false\n"),
            (&["--gate", "values[\"q\"].max < 1.0"], "[[gate]]\nholds = \"values[\\\"q\\\"].max < 1.0\"\n"),
            (&["--own", "quarter-end"], "own = [\"quarter-end\"]\n"),
            (&["--after", "billing=2.1.0"], "[after]\n\"billing\" = \"2.1.0\"\n"),
        ] {
            assert_eq!(text(flags), toml, "{flags:?}");
        }
    }

    #[test]
    fn all_flags_together_make_a_schedule() {
        let all = text(&[
            "--rolling=5",
            "--canary=1,10%",
            "--bake=1m",
            "--canary-in-each-domain",
            "--by=zone",
            "--by-order=b,a",
            "--by-bake=5m",
            "--roles=storage,gateway",
            "--roles-by=part",
            "--after=billing=2.1.0",
            "--window=22:00-04:00 UTC",
            "--window=Sat 00:00-24:00 UTC",
            "--idle=3",
            "--load=10.5",
            "--fleet-load=1e9",
            "--random",
            "--jitter=30s",
            "--together",
            "--manual",
            "--minimum-serving=2",
            "--serving-by=zone",
            "--versions=2",
            "--apart=1",
            "--gate=errors < 0.5",
            "--gate=p99 < 100.0",
            "--standard-gates",
            "--minimum-calls=7",
            "--patience=1h",
        ]);
        let scheduling = schedule::parse(&all).unwrap_or_else(|error| panic!("{}", error.shown(&all)));
        assert_eq!(scheduling.gates.names(), ["errors", "latency", "gate-3", "gate-4"]);
        assert_eq!(scheduling.limits.versions, Some(2));
    }

    #[test]
    fn what_cannot_be_is_told() {
        for (flags, part) in [
            (&["--rolling", "many"][..], "`many` is neither a count nor a share"),
            (&["--window", "Mon 09:00-17:00"], "names no time zone"),
            (&["--bake", "1m"], "--canary"),
            (&["--schedule", "a.toml", "--rolling", "2"], "cannot be used with"),
            (&["--gate", "erors < 1.0"], "did you mean `errors`?"),
            (&["--gate", "errors < baseline.x"], "\n  errors < baseline.x\n                    ^"),
            (&["--after", "billing"], "a protocol and a version are wanted"),
        ] {
            let error = parsed(flags).expect_err("a fault");
            assert!(error.contains(part), "{flags:?}: {error}");
        }
        let error = parsed(&["--canary", "5,2"]).expect("flags").text().expect_err("a fault").0;
        assert!(
            error.starts_with("these flags make a schedule that cannot be:\nschedule.toml:2:10: the stage of 2"),
            "{error}"
        );
    }

    #[test]
    fn a_file_is_taken_as_it_is_and_looked_at_before_it_is_sent() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("schedule.toml");
        let flags = [&*format!("--schedule={}", file.display())];
        assert!(parsed(&flags).expect("flags").text().expect_err("no file").0.contains("cannot be read"));
        std::fs::write(&file, "# mine\n[rolling]\nat_once = 2\n").expect("a file");
        assert_eq!(text(&flags), "# mine\n[rolling]\nat_once = 2\n");
        std::fs::write(&file, "[rollling]\n").expect("a file");
        assert!(parsed(&flags).expect("flags").text().expect_err("a fault").0.contains("did you mean `rolling`?"));
        std::fs::write(&file, "own = ['quarter-end']\n").expect("a file");
        assert_eq!(text(&flags), "own = ['quarter-end']\n");
    }
}
