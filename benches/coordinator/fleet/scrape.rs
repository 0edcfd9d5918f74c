//! The page of the coordinator's numbers, asked for as Prometheus does.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Times, text};

/// How often it is asked for, and how far apart: far more often than anybody does, so that there is something to measure.
const TIMES: usize = 20;
const EACH: Duration = Duration::from_millis(500);

/// What scraping takes while all nodes report.
#[derive(Clone, Copy)]
pub(crate) struct Scrapes {
    /// Of one page.
    pub(crate) bytes: usize,
    pub(crate) lines: usize,
    /// From the connection to the last byte.
    pub(crate) times: Times,
}

impl Scrapes {
    pub(super) fn of(address: &str) -> Result<Self, String> {
        let (mut page, mut times) = (String::new(), Vec::new());
        for _ in 0..TIMES {
            std::thread::sleep(EACH);
            let begun = Instant::now();
            page = ask(address)?;
            times.push(begun.elapsed());
        }
        Ok(Self { bytes: page.len(), lines: page.lines().count(), times: Times::of(times) })
    }

    #[allow(clippy::cast_precision_loss, reason = "a page is far below 2⁵² bytes")]
    pub(crate) fn kibibytes(&self) -> f64 {
        self.bytes as f64 / 1024.0
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "bytes": self.bytes, "lines": self.lines, "times": self.times.json() })
    }
}

fn ask(address: &str) -> Result<String, String> {
    let address = address.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).map_err(text)?;
    write!(connection, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").map_err(text)?;
    let mut page = String::new();
    connection.read_to_string(&mut page).map_err(text)?;
    if page.starts_with("HTTP/1.1 200 ") && page.contains("straddle_fleet_nodes") {
        return Ok(page);
    }
    Err(format!("no numbers: {page:.200}"))
}
