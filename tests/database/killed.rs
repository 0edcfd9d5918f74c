//! A program that is killed, at any moment, between any two of its writes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use straddle::coordinator::database::{Database, Embedded, Store};

use crate::seed::{rounds, seed_or};
use crate::work::Work;

/// Where a child writes, and with which seed.
const FOLDER: &str = "STRADDLE_TEST_DATABASE";
const SEED: &str = "STRADDLE_TEST_DATABASE_SEED";

/// How many transactions a child has under way at once.
const TOGETHER: u64 = 4;

/// The child; without its folder it is no test.
#[test]
fn a_child_that_writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let seed = std::env::var(SEED).expect("a seed").parse().expect("a number");
    let work = Work::new(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let database = Embedded::open(Path::new(&folder)).expect("the database");
    say(&format!("open {}", std::process::id()));
    runtime.block_on(async {
        let number = database.get(b"number").await.expect("what is there");
        let mut next =
            number.map_or(1, |entry| String::from_utf8_lossy(&entry.value).parse::<u64>().expect("a number") + 1);
        loop {
            let acknowledged = |number: u64| {
                let (work, database) = (&work, &database);
                async move {
                    database.commit(work.transaction(number)).await.expect("it is written");
                    say(&format!("acknowledged {number}"));
                }
            };
            // In this order: each is asked for before any is waited for.
            tokio::join!(acknowledged(next), acknowledged(next + 1), acknowledged(next + 2), acknowledged(next + 3));
            next += TOGETHER;
        }
    });
}

/// One line, at once, whatever happens next. What is in the pipe stays when we die.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever reads may have gone.
    let _ = out.write_all(format!("\n{line}\n").as_bytes()).and_then(|()| out.flush());
}

struct Writing(Child);

impl Writing {
    fn start(folder: &Path, seed: u64) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "killed::a_child_that_writes_until_it_is_killed", "--nocapture"]);
        command.env(FOLDER, folder).env(SEED, seed.to_string());
        Self(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a child"))
    }

    fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        BufReader::new(self.0.stdout.take().expect("a pipe")).lines().map_while(Result::ok)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn acknowledged(line: &str) -> Option<u64> {
    line.strip_prefix("acknowledged ").map(|number| number.parse().expect("a number"))
}

#[test]
fn a_program_that_is_killed_at_any_moment_has_lost_nothing_that_it_acknowledged() {
    let seed = seed_or(11);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut work = Work::new(seed);
    let mut folder = tempfile::tempdir().expect("a temporary folder");
    let (mut there, mut total, mut unheard) = (0, 0, 0);
    for round in 0..rounds(30) {
        // Now and then from the start, which can be killed as well.
        let anew = round % 3 == 0;
        if anew {
            folder = tempfile::tempdir().expect("a temporary folder");
            there = 0;
        }
        let mut child = Writing::start(folder.path(), seed);
        let mut lines = child.lines();
        let mut last = there;
        if !anew || random.bool() {
            let heard = random.usize(1..20);
            last = lines.by_ref().filter_map(|line| acknowledged(&line)).take(heard).fold(last, u64::max);
        }
        // Not to wait for anything: the moment is to be any.
        std::thread::sleep(Duration::from_micros(random.u64(..15_000)));
        child.0.kill().expect("it is there");
        child.0.wait().expect("it is there");
        // Those that were written together are told in any order.
        last = lines.filter_map(|line| acknowledged(&line)).fold(last, u64::max);
        let store = Store::open(folder.path(), &straddle::coordinator::database::Options::default());
        let held = work.held(&store.expect("what is left can be opened"), 100);
        assert!(held >= last, "round {round}: {last} was acknowledged, and {held} is there");
        assert!(held <= last + TOGETHER, "round {round}: {last} was acknowledged, and {held} is there");
        unheard += held - last;
        total += held - there;
        there = held;
    }
    println!("{total} transactions, of which {unheard} were written and not acknowledged");
    assert!(total > 100, "only {total} transactions: nobody worked");
}

#[test]
fn a_second_program_is_told_who_has_the_database() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut child = Writing::start(folder.path(), 1);
    let mut lines = child.lines();
    let process = lines.find_map(|line| line.strip_prefix("open ").map(str::to_owned)).expect("it has opened it");
    let error = Embedded::open(folder.path()).expect_err("somebody has it");
    assert!(error.is_open_elsewhere(), "{error}");
    let told = error.to_string();
    assert!(told.contains(&format!("process {process}")) && told.contains("help: stop it first"), "{told}");
    drop(child);
    Embedded::open(folder.path()).expect("nobody has it any more");
}
