use std::sync::{Arc, Mutex};

use indicatif::TermLike;

use super::*;
use crate::control::v1_0_0::{Phase, StoredUpgrade, UpgradeState};

/// A terminal as far as bars use one: what is written on its lines stays there until it is cleared.
#[derive(Clone, Debug, Default)]
struct Screen(Arc<Mutex<Written>>);

#[derive(Debug, Default)]
struct Written {
    lines: Vec<Vec<char>>,
    /// Line and column.
    at: (usize, usize),
}

const WIDTH: usize = 60;

impl Screen {
    fn shown(&self) -> Vec<String> {
        let written = self.0.lock().expect("the screen");
        let lines = written.lines.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is what each way to change a terminal gives")]
    fn change(&self, change: impl FnOnce(&mut Written)) -> io::Result<()> {
        change(&mut self.0.lock().expect("the screen"));
        Ok(())
    }
}

impl Written {
    fn line(&mut self) -> &mut Vec<char> {
        let (line, _) = self.at;
        self.lines.resize(self.lines.len().max(line + 1), Vec::new());
        &mut self.lines[line]
    }

    fn write(&mut self, text: &str) {
        for letter in text.chars() {
            // A terminal goes on in the next line with what has no room in this one.
            if self.at.1 == WIDTH {
                self.at = (self.at.0 + 1, 0);
            }
            let column = self.at.1;
            let line = self.line();
            line.resize(line.len().max(column + 1), ' ');
            line[column] = letter;
            self.at.1 += 1;
        }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        60
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.change(|written| written.at.0 = written.at.0.saturating_sub(lines))
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.change(|written| written.at.0 += lines)
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.change(|written| written.at.1 += columns)
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.change(|written| written.at.1 = written.at.1.saturating_sub(columns))
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.change(|written| {
            written.write(text);
            written.at = (written.at.0 + 1, 0);
        })
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.change(|written| written.write(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.change(|written| {
            written.line().clear();
            written.at.1 = 0;
        })
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

/// An upgrade from 1.1.0 to 2.0.0 with these nodes.
fn status(state: UpgradeState, nodes: &[(&str, &str, Phase)]) -> UpgradeStatus {
    let back = matches!(state, UpgradeState::RollingBack | UpgradeState::RolledBack);
    let upgrade = StoredUpgrade {
        number: 1,
        protocol: "inventory".to_owned(),
        from: "1.1.0".to_owned(),
        to: "2.0.0".to_owned(),
        state: state.into(),
        ..StoredUpgrade::default()
    };
    let target = if back { "1.1.0" } else { "2.0.0" };
    let there =
        nodes.iter().filter(|(_, version, phase)| *version == target && *phase == Phase::Serving).count() as u64;
    let node = |(name, version, phase): &(&str, &str, Phase)| NodeInUpgrade {
        node: (*name).to_owned(),
        version: (*version).to_owned(),
        phase: (*phase).into(),
        connected: true,
        ..NodeInUpgrade::default()
    };
    let total = nodes.len() as u64;
    UpgradeStatus {
        upgrade: Some(upgrade),
        there,
        moving: total - there,
        total,
        nodes: nodes.iter().map(node).collect(),
        ..UpgradeStatus::default()
    }
}

/// As the coordinator tells it once it is over.
fn ended(state: UpgradeState, nodes: u64) -> UpgradeStatus {
    UpgradeStatus { there: nodes, total: nodes, moving: 0, nodes: Vec::new(), ..status(state, &[]) }
}

/// What is left on a terminal.
fn watched(statuses: &[UpgradeStatus]) -> Vec<String> {
    let screen = Screen::default();
    let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
    let mut progress = Progress { form: Form::Bar(bar(&statuses[0], target)), nodes: Vec::new(), arrived: None };
    for status in statuses {
        progress.show(status).expect("a screen");
    }
    progress.end();
    screen.shown()
}

#[test]
fn what_has_happened_stays_on_the_terminal_with_how_it_ended() {
    use UpgradeState::{Complete, Running};
    let shown = watched(&[
        status(Running, &[("one", "1.1.0", Phase::Serving), ("two", "1.1.0", Phase::Serving)]),
        status(Running, &[("one", "1.1.0", Phase::Quiescing), ("two", "1.1.0", Phase::Serving)]),
        status(Running, &[("one", "2.0.0", Phase::Serving), ("two", "1.1.0", Phase::Serving)]),
        status(Complete, &[("one", "2.0.0", Phase::Serving), ("two", "2.0.0", Phase::Serving)]),
    ]);
    assert_eq!(
        shown,
        [
            "one  1.1.0 quiescing",
            "one  2.0.0 serving",
            "running: 1 of 2 nodes at 2.0.0, 1 moves",
            "two  2.0.0 serving",
            "complete: 2 of 2 nodes at 2.0.0",
        ]
    );
}

#[test]
fn nodes_that_are_back_are_told_and_counted() {
    use UpgradeState::{Complete, RolledBack, RollingBack};
    let (new, old) = ("2.0.0", "1.1.0");
    let shown = watched(&[
        status(Complete, &[("one", new, Phase::Serving), ("two", new, Phase::Serving)]),
        status(RollingBack, &[("one", new, Phase::Serving), ("two", new, Phase::Serving)]),
        status(RollingBack, &[("one", old, Phase::Serving), ("two", new, Phase::Transforming)]),
        ended(RolledBack, 2),
    ]);
    assert_eq!(
        shown,
        [
            "rolling-back: 0 of 2 nodes at 1.1.0, 2 move",
            "one  1.1.0 serving",
            "two  2.0.0 transforming",
            "rolling-back: 1 of 2 nodes at 1.1.0, 1 moves",
            "two  1.1.0 is there",
            "rolled-back: 2 of 2 nodes at 1.1.0",
        ]
    );
}

#[test]
fn of_a_large_fleet_it_is_told_now_and_then() {
    let large =
        |there: u64| UpgradeStatus { there, total: 1000, nodes: Vec::new(), ..status(UpgradeState::Running, &[]) };
    let shown = watched(&(0..=1000).map(large).collect::<Vec<_>>());
    assert_eq!(shown.len(), 20, "{shown:?}");
    assert_eq!(shown.last().map(String::as_str), Some("running: 1000 of 1000 nodes at 2.0.0"));
}

#[test]
fn a_line_that_is_longer_than_the_terminal_takes_nothing_with_it() {
    let waits = Blocker { rule: "schedule".to_owned(), what: "it waits ".repeat(20), ..Blocker::default() };
    let with =
        |state, nodes: &[(&str, &str, Phase)]| UpgradeStatus { waits_for: vec![waits.clone()], ..status(state, nodes) };
    let shown = watched(&[
        with(UpgradeState::Running, &[("one", "1.1.0", Phase::Serving)]),
        with(UpgradeState::Running, &[("one", "1.1.0", Phase::Quiescing)]),
        status(UpgradeState::Complete, &[("one", "2.0.0", Phase::Serving)]),
    ]);
    assert_eq!(shown, ["one  1.1.0 quiescing", "one  2.0.0 serving", "complete: 1 of 1 nodes at 2.0.0"]);
}
