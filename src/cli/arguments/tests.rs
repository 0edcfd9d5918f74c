//! Commands that we show to others are ones that this program takes.

use std::fs;
use std::path::Path;

use clap::Parser;

use super::{Arguments, Command};

/// Commands of ours in a text: what follows `straddle` up to the end of the line, as a shell would divide it.
fn commands(text: &str) -> Vec<Vec<String>> {
    let starts = ["$ straddle ", "run: straddle ", "    straddle ", "\nstraddle "];
    let joined = text.replace("\\\n", " ");
    let of_line = |line: &str| {
        let line = format!("\n{line}");
        let start = starts.iter().find_map(|start| Some(line.find(start)? + start.len()))?;
        // A redirection, a list or a comment ends the command.
        let command = line[start..].split(" > ").next()?.split(" || ").next()?.split(" # ").next()?.trim();
        Some(std::iter::once("straddle").chain(command.split_whitespace()).map(unquoted).collect())
    };
    joined.lines().filter_map(of_line).collect()
}

fn unquoted(word: &str) -> String {
    word.trim_matches(['"', '\'']).to_owned()
}

fn assert_all_parse(file: &str, least: usize, wanted: &dyn Fn(&[String]) -> bool) {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect(file);
    let mut seen = 0;
    for command in commands(&text).into_iter().filter(|command| wanted(command)) {
        if let Err(error) = Arguments::try_parse_from(&command) {
            panic!("{file}: {}: {error}", command.join(" "));
        }
        seen += 1;
    }
    assert!(seen >= least, "{file}: only {seen} commands were found");
}

#[test]
fn the_commands_of_the_examples_for_continuous_integration_are_ones_that_we_take() {
    for (file, least) in [("examples/ci/github-action.yml", 3), ("examples/ci/pre-commit/straddle-check.sh", 1)] {
        assert_all_parse(file, least, &|_| true);
    }
    // The test can fail.
    assert!(Arguments::try_parse_from(["straddle", "check", "schemas/shop", "--formt", "sarif"]).is_err());
    let parsed = Arguments::try_parse_from(["straddle", "check", "schemas/shop"]).expect("a command");
    assert!(matches!(parsed.command, Command::Check(_)));
}

#[test]
fn the_checks_of_the_readme_are_ones_that_we_take() {
    assert_all_parse("README.md", 3, &|command| command.get(1).is_some_and(|name| name == "check"));
}

#[test]
fn what_the_readme_tells_nodes_is_what_we_take() {
    assert_all_parse("README.md", 6, &|command| command.get(1).is_some_and(|name| name == "node"));
}

#[test]
fn the_unit_for_systemd_starts_a_supervisor() {
    let unit = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/systemd/shop.service"));
    let unit = unit.expect("a unit");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("what it starts");
    let arguments = Arguments::try_parse_from(command.split_whitespace()).unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(arguments.command, Command::Supervise(_)), "{command}");
}
