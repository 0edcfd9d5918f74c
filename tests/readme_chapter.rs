//! README's chapter "Change a protocol", followed to the letter in a repository of its own.
//!
//! Its commands are those of a Unix shell.
#![cfg(all(feature = "cli", unix))]

#[path = "support/readme.rs"]
mod readme;
#[path = "support/repository.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod repository;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use readme::Block;
use repository::git;

fn of<'a>(blocks: &'a [Block], language: &str) -> Vec<&'a str> {
    blocks.iter().filter(|(of, _)| of == language).map(|(_, text)| text.as_str()).collect()
}

/// A reader of the chapter, and the repository that it speaks of.
struct Reader(tempfile::TempDir);

impl Reader {
    fn new() -> Self {
        let reader = Self(tempfile::tempdir().expect("a temporary folder"));
        fs::create_dir(reader.folder()).expect("the repository");
        git(&reader.folder(), &["init", "--quiet", "--initial-branch=main"], b"");
        reader
    }

    /// Keys lie beside it.
    fn folder(&self) -> std::path::PathBuf {
        self.0.path().join("repository")
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.folder().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("its folder");
        fs::write(file, text).expect("the file");
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder().join(path)).expect(path)
    }

    fn run(&self, line: &str) -> (Option<i32>, String) {
        let program = Path::new(env!("CARGO_BIN_EXE_straddle")).parent().expect("its folder");
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", line]).current_dir(self.folder()).env("PATH", path).env_remove("GIT_DIR");
        shell.env("HOME", self.0.path()).env("GIT_CONFIG_NOSYSTEM", "1").env("NO_COLOR", "1");
        for who in ["GIT_AUTHOR", "GIT_COMMITTER"] {
            shell.env(format!("{who}_NAME"), "A Reader").env(format!("{who}_EMAIL"), "reader@example.org");
        }
        let Output { status, stdout, stderr } = shell.output().expect("a shell");
        (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
    }

    /// Types all commands of a block.
    #[track_caller]
    fn types(&self, block: &str, code: i32) -> String {
        let mut all = String::new();
        for line in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let (ended, said) = self.run(line);
            assert_eq!(ended, Some(code), "$ {line}\n{said}");
            all.push_str(&said);
        }
        all
    }
}

#[test]
fn the_chapter_works_as_written() {
    let blocks = readme::chapter("Change a protocol");
    let (protos, steps, commands) = (of(&blocks, "proto"), of(&blocks, "toml"), of(&blocks, "console"));
    let ([first, changed], [undecided, step]) = (protos.as_slice(), steps.as_slice()) else {
        panic!("two protos and two parts of a step are shown")
    };
    let [compare, take, check, keep, hold, hand_on] = commands.as_slice() else {
        panic!("{} blocks of commands are shown", commands.len())
    };
    let reader = Reader::new();
    reader.write("protos/parcel.proto", first);
    reader.run("git add --all && git commit --quiet -m one && git tag v1.0.0");
    let kept = first.split("message Parcel {").next().expect("what stays");
    reader.write("protos/parcel.proto", &format!("{kept}{changed}"));

    assert!(reader.types(compare, 1).contains("OPEN"));
    let added = reader.types(take, 0);
    assert!(added.contains("1 guess") || added.contains("0 guesses"), "{added}");
    assert!(added.contains("recorded in schemas/parcel/straddle.lock: 1.0.0 is recorded"), "{added}");
    let draft = reader.read("schemas/parcel/2.0.0/step.toml");
    assert!(draft.contains(undecided), "the draft is another one than the chapter says:\n{draft}");
    reader.types(check, 1);
    reader.write("schemas/parcel/2.0.0/step.toml", step);
    let checked = reader.types(check, 0);
    let tally = of(&blocks, "text")[0].split('(').next().expect("its beginning").trim_end().to_owned();
    assert!(checked.contains(&tally), "{tally:?} is missing from\n{checked}");
    assert!(reader.types(keep, 0).contains("no counterexample"));
    reader.types(hold, 0);
    let shown = reader.types(hand_on, 0);
    assert!(shown.contains("the step from 1.0.0 to 2.0.0") && shown.contains("signature  by "), "{shown}");
    let (code, said) = reader.run("git tag v2.0.0 && straddle bundle git:v2.0.0:schemas/parcel -o all.bundle");
    assert_eq!(code, Some(0), "{said}");

    // What it says of a method that changes something.
    for version in ["1.0.0", "2.0.0"] {
        let path = format!("schemas/parcel/{version}/parcel.proto");
        let proto = reader.read(&path).replace("    option idempotency_level = NO_SIDE_EFFECTS;\n", "");
        reader.write(&path, &proto);
    }
    fs::remove_file(reader.folder().join("schemas/parcel/straddle.lock")).expect("the lock");
    assert!(reader.types(check, 1).contains("accept_refused_responses"));
    let readme = readme::text();
    let accepting =
        readme.split('`').find(|code| code.starts_with("accept_refused_responses = [\"parcel")).expect("it says how");
    reader.write("schemas/parcel/2.0.0/step.toml", &step.replacen("\n\n", &format!("\n{accepting}\n\n"), 1));
    reader.types(check, 0);
}
