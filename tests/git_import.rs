//! What `git:REVISION:PATH` reads of a repository, whatever its history holds.
#![cfg(feature = "cli")]

#[path = "support/repository.rs"]
mod repository;

use std::fs;
use std::path::{Path, PathBuf};

use repository::{Repository, git};
use straddle::tree::{Location, Tree};

const PROTO: &str = "syntax = \"proto3\";\npackage shop.v1;\nmessage Item { string sku = 1; }\n";

fn open(directory: &Path, place: &str) -> Result<Tree, String> {
    let location: Location = place.parse().map_err(|error| format!("{error}"))?;
    location.open_from(directory).map_err(|error| error.to_string())
}

/// The files of a tree, with what is in them.
fn files(tree: &Tree) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![tree.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            assert!(!path.is_symlink(), "{}", path.display());
            let name = path.strip_prefix(tree.folder()).expect("it is in there").display().to_string();
            found.push((name, fs::read_to_string(path).expect("a text")));
        }
    }
    found.sort();
    found
}

fn names(directory: &Path, place: &str) -> Vec<String> {
    let tree = open(directory, place).unwrap_or_else(|error| panic!("{place}: {error}"));
    files(&tree).into_iter().map(|(name, _)| name).collect()
}

#[track_caller]
fn refused(directory: &Path, place: &str, parts: &[&str]) {
    let error = open(directory, place).map(|tree| files(&tree)).expect_err(place);
    for part in parts.iter().chain(&["help: "]) {
        assert!(error.contains(part), "{part:?} is missing from\n{error}");
    }
}

/// A tree made of entries as `git mktree` takes them, without any check of their names; tagged.
fn plant(repository: &Repository, tag: &str, entries: &[(&str, &str, &[u8])]) {
    let mut tree = Vec::new();
    for (mode, id, name) in entries {
        tree.extend(format!("{mode} ").into_bytes());
        tree.extend(*name);
        tree.push(0);
        tree.extend((0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).expect("digits")));
    }
    let tree = repository.git_with(&["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], &tree);
    let commit = repository.git(&["commit-tree", &tree, "-m", tag]);
    repository.git(&["tag", tag, &commit]);
}

fn blob(repository: &Repository, content: &str) -> String {
    repository.git_with(&["hash-object", "-w", "--stdin"], content.as_bytes())
}

#[test]
fn only_files_that_matter_come_out_as_they_were_at_that_revision() {
    let repository = Repository::new();
    repository.write("protos/shop/v1/shop.proto", PROTO);
    repository.write("protos/README.md", "no proto");
    repository.write("protos/run.sh", "exit 1");
    repository.write("protos/step.toml", "from = \"1.0.0\"\n");
    repository.commit("v1.0.0");
    repository.write("protos/shop/v1/shop.proto", "changed");
    repository.commit("v1.1.0");
    repository.write("protos/shop/v1/shop.proto", "not committed");
    let tree = open(repository.path(), "git:v1.0.0:protos").expect("the tag");
    let step = ("step.toml".to_owned(), "from = \"1.0.0\"\n".to_owned());
    assert_eq!(files(&tree), [("shop/v1/shop.proto".to_owned(), PROTO.to_owned()), step]);
    assert_eq!(files(&open(repository.path(), "git:HEAD:protos/shop").expect("a branch"))[0].1, "changed");
    let folder = tree.folder().to_owned();
    let named = tree.name_as_given(&format!("{}/shop/v1/shop.proto:3", folder.display()));
    assert_eq!(named, "git:v1.0.0:protos/shop/v1/shop.proto:3");
    drop(tree);
    assert!(!folder.exists(), "what was unpacked goes away");
}

#[test]
fn paths_count_from_the_root_or_with_a_dot_from_here() {
    let repository = Repository::new();
    repository.write("a/b/x.proto", PROTO);
    repository.write("a/y.proto", PROTO);
    repository.commit("v1");
    let here = repository.path().join("a/b");
    for (place, expected) in [
        ("git:v1:", &["a/b/x.proto", "a/y.proto"][..]),
        ("git:v1:a", &["b/x.proto", "y.proto"]),
        ("git:v1:a/b/", &["x.proto"]),
        ("git:v1:a//b/../b", &["x.proto"]),
        ("git:v1:./", &["x.proto"]),
        ("git:v1:.", &["x.proto"]),
        ("git:v1:../", &["b/x.proto", "y.proto"]),
        ("git:v1^{tree}:a/b", &["x.proto"]),
    ] {
        assert_eq!(names(&here, place), expected, "{place}");
    }
    refused(&here, "git:v1:../../..", &["leads out of the repository"]);
    refused(&here, "git:v1:/etc", &["no path within a repository"]);
    refused(&here, "git:v1:a\nb", &["no path within a repository", "a\\nb"]);
    refused(&here, "git:v1:a/y.proto", &["`a/y.proto` is a file"]);
    refused(&here, "git:v1:a/bb", &["no folder `a/bb`", "did you mean `a/b`?"]);
}

#[test]
fn a_revision_that_is_not_there_suggests_the_nearest_one() {
    let repository = Repository::new();
    repository.write("protos/x.proto", PROTO);
    repository.commit("v1.4.0");
    refused(repository.path(), "git:v1.4.1:protos", &["no revision `v1.4.1`", "did you mean `v1.4.0`?"]);
    refused(repository.path(), "git:nothing-like-it:protos", &["no revision", "git fetch --tags"]);
    let file = repository.git(&["rev-parse", "v1.4.0:protos/x.proto"]);
    refused(repository.path(), &format!("git:{file}:protos"), &["no revision"]);
    for odd in ["git:--help:protos", "git::protos", "git:v1"] {
        refused(repository.path(), odd, &["no place in a git repository", "git:REVISION:PATH"]);
    }
    refused(repository.path(), "git:HEAD;echo x:protos", &["no revision `HEAD;echo x`"]);
}

#[test]
fn a_folder_without_a_repository_or_protos_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    refused(folder.path(), "git:HEAD:protos", &["not a git repository", "within the repository"]);
    refused(folder.path(), "protos", &["protos is no folder", "git:REVISION:PATH"]);
    let repository = Repository::new();
    refused(repository.path(), "git:HEAD:", &["no revision `HEAD`", "no tags"]);
    repository.write("docs/README.md", "");
    repository.commit("v1");
    refused(repository.path(), "git:v1:docs", &["no .proto files"]);
}

#[test]
fn bare_and_shallow_repositories_are_read() {
    let origin = Repository::new();
    origin.write("protos/x.proto", PROTO);
    origin.commit("v1");
    origin.write("protos/y.proto", PROTO);
    origin.commit("v2");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let from = format!("file://{}", origin.path().display());
    for (name, arguments) in
        [("bare", &["clone", "--quiet", "--bare"][..]), ("shallow", &["clone", "--quiet", "--depth=1", "--no-tags"])]
    {
        let clone = git(folder.path(), &[arguments, &[&from, name]].concat(), b"");
        assert!(clone.status.success(), "{}", String::from_utf8_lossy(&clone.stderr));
        assert_eq!(names(&folder.path().join(name), "git:HEAD:protos"), ["x.proto", "y.proto"], "{name}");
    }
    refused(&folder.path().join("shallow"), "git:v1:protos", &["no revision `v1`", "the clone is shallow"]);
}

#[test]
fn what_a_partial_clone_lacks_is_not_fetched_but_told() {
    let origin = Repository::new();
    origin.write("protos/x.proto", PROTO);
    origin.commit("v1");
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let from = format!("file://{}", origin.path().display());
    let arguments = ["clone", "--quiet", "--no-checkout", "--filter=blob:none", &from, "partial"];
    let clone = git(folder.path(), &arguments, b"");
    assert!(clone.status.success(), "{}", String::from_utf8_lossy(&clone.stderr));
    refused(&folder.path().join("partial"), "git:v1:protos", &["lacks what `x.proto` held", "partial clone"]);
}

/// Elsewhere the right to make links is one that few accounts have; git makes text files of them there.
#[cfg(not(unix))]
#[test]
fn links_lead_within_the_repository_only() {
    use std::io::Write as _;
    let _ =
        writeln!(std::io::stderr(), "SKIPPED: symbolic links are tried on Unix only, where everybody may make them");
}

#[cfg(unix)]
#[test]
fn links_lead_within_the_repository_only() {
    let repository = Repository::new();
    repository.write("common/money/money.proto", PROTO);
    repository.write("common/README.md", "");
    repository.write("protos/shop.proto", PROTO);
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, repository.path().join(name)).expect("a link");
    };
    link("../common/money", "protos/money");
    link("../common/money/money.proto", "protos/cash.proto");
    link("../common/README.md", "protos/README.md");
    link("nowhere", "protos/dangling");
    link("protos", "linked");
    repository.commit("v1");
    let expected = ["cash.proto", "money/money.proto", "shop.proto"];
    assert_eq!(names(repository.path(), "git:v1:protos"), expected);
    assert_eq!(names(repository.path(), "git:v1:linked"), expected);
    link("/etc", "protos/etc");
    repository.commit("v2");
    refused(repository.path(), "git:v2:protos", &["`etc` is a link out of the repository, to `/etc`"]);
    fs::remove_file(repository.path().join("protos/etc")).expect("the link");
    link("nowhere.proto", "protos/gone.proto");
    repository.commit("v3");
    refused(repository.path(), "git:v3:protos", &["`gone.proto` is a link that leads nowhere"]);
    fs::remove_file(repository.path().join("protos/gone.proto")).expect("the link");
    link("../protos", "protos/round");
    repository.commit("v4");
    refused(repository.path(), "git:v4:protos", &["leads in a circle"]);
}

#[test]
fn names_that_no_file_system_would_hold_are_refused() {
    let repository = Repository::new();
    let proto = blob(&repository, PROTO);
    let within = repository.git_with(&["mktree"], format!("100644 blob {proto}\tx.proto\n").as_bytes());
    let cases: &[(&[u8], &str)] = &[
        (b"a\nb.proto", "not plain text"),
        (b"a\\b.proto", "not plain text"),
        (b"\xff\xfe.proto", "not plain text"),
        (b"/etc/a.proto", "no name that git would check out"),
        (b"..", "no name that git would check out"),
        (b".git", "no name that git would check out"),
        (b".GIT", "no name that git would check out"),
    ];
    for (index, (name, expected)) in cases.iter().enumerate() {
        let (mode, id) = if name.ends_with(b".proto") { ("100644", &proto) } else { ("40000", &within) };
        let tag = format!("odd{index}");
        plant(&repository, &tag, &[(mode, id, name)]);
        refused(repository.path(), &format!("git:{tag}:"), &[expected]);
    }
    plant(&repository, "twice", &[("100644", &proto, b"a.proto"), ("100644", &proto, b"a.proto")]);
    refused(repository.path(), "git:twice:", &["two files are named `a.proto`"]);
    plant(&repository, "both", &[("100644", &proto, b"a.proto"), ("40000", &within, b"a.proto")]);
    refused(repository.path(), "git:both:", &["`a.proto", "cannot be unpacked"]);
    // What does not matter may be called whatever it likes.
    plant(&repository, "fine", &[("100644", &proto, b"\xff\n.txt"), ("100644", &proto, b"a b\xc3\xa4.proto")]);
    assert_eq!(names(repository.path(), "git:fine:"), ["a bä.proto"]);
}

#[test]
fn submodules_are_told_and_pointers_of_large_files_too() {
    let repository = Repository::new();
    let proto = blob(&repository, PROTO);
    let commit = "1234567890123456789012345678901234567890";
    plant(&repository, "sub", &[("100644", &proto, b"a.proto"), ("160000", commit, b"vendor")]);
    refused(repository.path(), "git:sub:", &["`vendor` is a submodule", "revision of its own"]);
    refused(repository.path(), "git:sub:vendor", &["`vendor`", "submodule"]);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n";
    plant(&repository, "lfs", &[("100644", &blob(&repository, pointer), b"set.binpb")]);
    refused(repository.path(), "git:lfs:", &["`set.binpb` is kept in Git LFS", "git lfs pull"]);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let repository = Repository::new();
    let large = "x".repeat((16 << 20) + 1);
    plant(&repository, "large", &[("100644", &blob(&repository, &large), b"a.proto")]);
    refused(repository.path(), "git:large:", &["`a.proto` has 16777217 bytes"]);
    let proto = blob(&repository, PROTO);
    let listed: Vec<String> = (0..10_001).map(|number| format!("100644 blob {proto}\t{number:05}.proto\n")).collect();
    let listed = listed.concat();
    let tree = repository.git_with(&["mktree"], listed.as_bytes());
    repository.git(&["tag", "many", &tree]);
    refused(repository.path(), "git:many:", &["more than 10000 protos"]);
}

#[test]
fn nothing_that_the_repository_holds_is_run_and_no_attribute_takes_part() {
    let repository = Repository::new();
    let traces = repository.path().join("traces");
    let command = format!("touch {}", traces.display());
    for (key, value) in [
        ("filter.trap.smudge", command.as_str()),
        ("filter.trap.clean", "cat"),
        ("core.fsmonitor", &command),
        ("diff.external", &command),
        ("diff.trap.textconv", &command),
        ("core.pager", &command),
    ] {
        repository.git(&["config", key, value]);
    }
    repository.write(".gitattributes", "*.proto filter=trap diff=trap text eol=crlf ident\n");
    repository.write("protos/x.proto", PROTO);
    let _ = fs::remove_file(&traces);
    repository.commit("v1");
    let _ = fs::remove_file(&traces);
    let hook = repository.path().join(".git/hooks/post-checkout");
    fs::create_dir_all(hook.parent().expect("a folder")).expect("its folder");
    fs::write(&hook, format!("#!/bin/sh\n{command}\n")).expect("the hook");
    let tree = open(repository.path(), "git:v1:protos").expect("the tag");
    assert_eq!(files(&tree), [("x.proto".to_owned(), PROTO.to_owned())]);
    assert!(!traces.exists(), "something was run");
}
