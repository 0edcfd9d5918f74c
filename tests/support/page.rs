//! A page read over HTTP/1.1, as Prometheus reads one.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

/// The head and the body of what is answered.
pub(crate) fn ask(address: &str, method: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_ascii_lowercase(), body.to_owned())
}

/// The numbers of a page by their names with labels, as they are written. What is not in order fails.
pub(crate) fn numbers(text: &str) -> BTreeMap<String, f64> {
    let (mut numbers, mut family, mut told) = (BTreeMap::new(), "", Vec::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().expect("a name");
            assert!(!told.contains(&family), "{family} is told twice");
            assert!(help.len() > family.len() + 1, "{family} says what it is");
            told.push(family);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a kind");
            assert_eq!(name, family);
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').expect("a number");
            assert!(name.starts_with(family), "{line} stands below {family}");
            let value = value.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(numbers.insert(name.to_owned(), value), None, "{name} is told twice");
        }
    }
    numbers
}
