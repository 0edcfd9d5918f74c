//! README's chapters about upgrades, typed as they stand; what is shown is what is said.
//!
//! Its commands are those of a Unix shell. Its folders are in a temporary one, and its ports are free ones. The part about
//! one's own service is for whoever builds the example.
#![cfg(all(feature = "cli", unix))]

#[path = "support/ports.rs"]
mod ports;
#[path = "support/readme.rs"]
mod readme;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use self::ports::Port;

/// The ports that the chapter shows.
const PORTS: [&str; 9] = ["7000", "7070", "7001", "7071", "7002", "7072", "7003", "7073", "7300"];

#[test]
fn the_chapter_works_as_written_and_says_what_it_shows() {
    let typed = Reader::new(None).reads("Upgrade a node");
    assert!(typed > 15, "{typed} commands");
}

/// Programs are supervised there alone.
#[cfg(target_os = "linux")]
#[test]
fn the_chapter_about_other_ways_works_as_written() {
    let folder = tempfile::tempdir().expect("a folder to type in");
    let typed = Reader::new(Some(folder.path().to_owned())).reads("Ways to upgrade");
    assert!(typed > 15, "{typed} commands");
}

#[test]
fn the_chapters_about_a_whole_fleet_work_as_written() {
    for (chapter, least) in [("Run an upgrade", 10), ("Take it back", 12), ("Retire a version", 12)] {
        let typed = Reader::new(None).reads(chapter);
        assert!(typed >= least, "{typed} commands of {chapter}");
    }
}

/// Who types a chapter, and what runs beside the shell.
struct Reader {
    folder: tempfile::TempDir,
    /// Where commands are typed; the project's own folder, if it is not said.
    at: Option<PathBuf>,
    ports: [Port; 9],
    jobs: Vec<Job>,
}

/// What runs beside the shell, and the variable that has its number, if there is one.
struct Job {
    child: Child,
    name: Option<String>,
}

impl Reader {
    fn new(at: Option<PathBuf>) -> Self {
        let ports = PORTS.map(|_| Port::free());
        Self { folder: tempfile::tempdir().expect("a temporary folder"), at, ports, jobs: Vec::new() }
    }

    /// Types what the chapter shows; how many commands.
    #[track_caller]
    fn reads(mut self, chapter: &str) -> usize {
        let mut typed = 0;
        for (language, block) in readme::chapter(chapter) {
            if language == "console" && !block.contains("cargo run") {
                for command in block.split("$ ").skip(1) {
                    let (line, shown) = command.split_once('\n').expect("a line");
                    self.types(line, shown);
                    typed += 1;
                }
            }
        }
        assert!(self.jobs.is_empty(), "the chapter ends what it starts");
        typed
    }

    #[track_caller]
    fn types(&mut self, line: &str, shown: &str) {
        let (line, shown) = (self.here(line), self.here(shown));
        if let Some(jobs) = line.strip_prefix("kill ") {
            jobs.split(' ').for_each(|job| self.ends(job));
            assert!(self.jobs.is_empty(), "$ {line}\nwhat runs is ended together");
        } else if let Some((serving, name)) = line.split_once(" &").filter(|(_, name)| is_kept(name)) {
            let name = name.trim().strip_suffix("=$!").map(str::to_owned);
            let mut child = self.shell(&format!("exec {serving}")).stdout(Stdio::piped()).spawn().expect("a shell");
            // It says so when it serves.
            let mut told = BufReader::new(child.stdout.take().expect("a pipe")).lines();
            for shown in shown.lines().chain(shown.is_empty().then_some("…")) {
                let told = told.next().unwrap_or_else(|| panic!("$ {line}: it has ended")).expect("a line");
                assert!(is_shown(shown, &told), "$ {line}\n{told}\nbut the chapter shows\n{shown}");
            }
            self.jobs.push(Job { child, name });
        } else {
            let mut ended = self.shell(&format!("{line} 2>&1")).output().expect("a shell");
            // Nodes tell of new callers a moment later, and the chapter says so.
            let until = Instant::now() + Duration::from_secs(60);
            while line.starts_with("straddle callers")
                && !is_all_shown(shown.as_str(), &ended)
                && Instant::now() < until
            {
                ended = self.shell(&format!("{line} 2>&1")).output().expect("a shell");
            }
            let said = String::from_utf8_lossy(&ended.stdout);
            let denied = ["failed: ", "refused: ", " is not retired: "].iter().any(|words| shown.contains(words));
            let code = i32::from(denied);
            assert_eq!(ended.status.code(), Some(code), "$ {line}\n{said}");
            for shown in shown.lines().filter(|shown| *shown != "…") {
                assert!(
                    said.lines().any(|said| is_shown(shown, said)),
                    "$ {line}\n{said}but the chapter shows\n{shown}"
                );
            }
        }
    }

    /// Ends a job, as `%1` or by the variable that has its number. Jobs without one are ended in the order of their numbers.
    #[track_caller]
    fn ends(&mut self, job: &str) {
        let is = |one: &Job| one.name.as_deref() == job.strip_prefix('$');
        let at = self.jobs.iter().position(is).unwrap_or_else(|| panic!("{job} runs"));
        stop(self.jobs.remove(at));
    }

    fn shell(&self, line: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_straddle")).parent().expect("its folder");
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh");
        let at = self.at.as_deref().unwrap_or(Path::new(env!("CARGO_MANIFEST_DIR")));
        shell.args(["-c", line]).current_dir(at).env("PATH", path).env("NO_COLOR", "1").stdin(Stdio::null());
        // The chapters do not say where their coordinator is, since it is where it is looked for. Nodes that are started in such
        // a shell have nothing to do with it.
        shell.env("STRADDLE_COORDINATOR", self.here("127.0.0.1:7300"));
        shell
    }

    /// The same, with this reader's ports and folder.
    fn here(&self, text: &str) -> String {
        let text = text.replace("/tmp/", &format!("{}/", self.folder.path().display()));
        PORTS
            .iter()
            .zip(&self.ports)
            .fold(text, |text, (shown, port)| text.replace(&format!("127.0.0.1:{shown}"), &port.address()))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.jobs.drain(..).for_each(stop);
    }
}

fn is_all_shown(shown: &str, ended: &Output) -> bool {
    let said = String::from_utf8_lossy(&ended.stdout);
    shown.lines().all(|shown| said.lines().any(|said| is_shown(shown, said)))
}

/// As `kill` does: what it started itself it ends first.
fn stop(mut job: Job) {
    // It may have ended.
    let _ = kill_process(Pid::from_child(&job.child), Signal::TERM);
    let _ = job.child.wait();
}

/// Whether what stands behind a command's `&` is nothing, or keeps its number.
fn is_kept(name: &str) -> bool {
    name.is_empty()
        || name.trim().strip_suffix("=$!").is_some_and(|name| name.chars().all(|one| one.is_ascii_uppercase()))
}

/// Whether this line of the chapter stands for what was said: up to an ellipsis, and whatever the pause was.
fn is_shown(shown: &str, said: &str) -> bool {
    let without_pause = |line: &str| match line.split_once("new calls waited ") {
        Some((before, after)) => format!("{before}{}", after.split_once(", ").map_or("", |(_, rest)| rest)),
        None => line.to_owned(),
    };
    match shown.split_once('…') {
        Some((beginning, _)) => said.starts_with(beginning),
        None => without_pause(shown) == without_pause(said),
    }
}
