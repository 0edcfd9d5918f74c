//! README's chapter "Upgrade a node", typed as it stands; what is shown is what is said.
//!
//! Its commands are those of a Unix shell. Its folders are in a temporary one, and its ports are free ones. The part about
//! one's own service is for whoever builds the example.
#![cfg(all(feature = "cli", unix))]

#[path = "support/readme.rs"]
mod readme;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The ports that the chapter shows.
const PORTS: [&str; 4] = ["7000", "7070", "7001", "7071"];

#[test]
fn the_chapter_works_as_written_and_says_what_it_shows() {
    let mut reader = Reader::new();
    let mut typed = 0;
    for (language, block) in readme::chapter("Upgrade a node") {
        if language == "console" && !block.contains("cargo run") {
            for command in block.split("$ ").skip(1) {
                let (line, shown) = command.split_once('\n').expect("a line");
                reader.types(line, shown);
                typed += 1;
            }
        }
    }
    assert!(typed > 15, "{typed} commands");
    assert!(reader.node.is_none(), "the chapter ends what it starts");
}

/// Who types the chapter, and the node that runs beside the shell.
struct Reader {
    folder: tempfile::TempDir,
    ports: [String; 4],
    node: Option<Child>,
}

impl Reader {
    fn new() -> Self {
        // All are held until each is known, so that they differ.
        let listeners = PORTS.map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let ports = listeners.each_ref().map(|listener| listener.local_addr().expect("its port").port().to_string());
        Self { folder: tempfile::tempdir().expect("a temporary folder"), ports, node: None }
    }

    #[track_caller]
    fn types(&mut self, line: &str, shown: &str) {
        let (line, shown) = (self.here(line), self.here(shown));
        if line == "kill %1" {
            stop(self.node.take().expect("a node runs"));
        } else if let Some(serving) = line.strip_suffix(" &") {
            let mut node = shell(&format!("exec {serving}")).stdout(Stdio::piped()).spawn().expect("a shell");
            // It says so when it serves.
            let mut told = BufReader::new(node.stdout.take().expect("a pipe")).lines();
            for shown in shown.lines().chain(shown.is_empty().then_some("…")) {
                let told = told.next().unwrap_or_else(|| panic!("$ {line}: it has ended")).expect("a line");
                assert!(is_shown(shown, &told), "$ {line}\n{told}\nbut the chapter shows\n{shown}");
            }
            assert!(self.node.replace(node).is_none(), "one runs at a time, as %1");
        } else {
            let ended = shell(&format!("{line} 2>&1")).output().expect("a shell");
            let said = String::from_utf8_lossy(&ended.stdout);
            let code = i32::from(shown.contains("failed: "));
            assert_eq!(ended.status.code(), Some(code), "$ {line}\n{said}");
            for shown in shown.lines().filter(|shown| *shown != "…") {
                assert!(
                    said.lines().any(|said| is_shown(shown, said)),
                    "$ {line}\n{said}but the chapter shows\n{shown}"
                );
            }
        }
    }

    /// The same, with this reader's ports and folder.
    fn here(&self, text: &str) -> String {
        let text = text.replace("/tmp/", &format!("{}/", self.folder.path().display()));
        PORTS
            .iter()
            .zip(&self.ports)
            .fold(text, |text, (shown, port)| text.replace(&format!("127.0.0.1:{shown}"), &format!("127.0.0.1:{port}")))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            stop(node);
        }
    }
}

fn stop(mut node: Child) {
    let _ = node.kill();
    let _ = node.wait();
}

fn shell(line: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_straddle")).parent().expect("its folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(env!("CARGO_MANIFEST_DIR")).env("PATH", path).env("NO_COLOR", "1");
    shell.stdin(Stdio::null());
    shell
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
