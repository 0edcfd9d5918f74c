//! `straddle inspect`: what a bundle holds, and whose it is.

pub(super) mod head;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::arguments::InspectArguments;
use super::crossing::Tally;
use super::{BadArguments, Outcome, keygen};
use crate::bundle::{self, Bundle, Kind, PublicKey};
use crate::protocol::{Hop, Protocol};

pub(super) fn run(arguments: &InspectArguments) -> Outcome {
    let trusted = arguments
        .trust
        .iter()
        .map(|file| keygen::public_key(file))
        .collect::<Result<Vec<PublicKey>, BadArguments>>()?;
    let file = read(&arguments.file)?;
    let size = file.len();
    let bundle = Bundle::read(file).map_err(|error| in_file(arguments, &error.to_string()))?;
    let signature = Signature::of(&bundle, &trusted);
    // What comes from nobody who is trusted is not put together.
    let steps = match signature {
        Signature::NotVerified(_) => None,
        _ => Some(bundle.protocol()),
    };
    let fault = match (&signature, &steps) {
        (Signature::NotVerified(why), _) => Some(why.clone()),
        (_, Some(Err(error))) => Some(error.to_string()),
        _ => None,
    };
    let protocol = steps.and_then(Result::ok);
    let mut out = io::stdout().lock();
    if arguments.json {
        let mut told = head::json(&bundle, size);
        told["signature"] = signature.state().into();
        told["steps"] = protocol.as_ref().map_or(Value::Null, steps_json);
        told["error"] = fault.as_deref().map(printable).into();
        writeln!(out, "{}", serde_json::to_string_pretty(&told)?)?;
    } else {
        out.write_all(head::text(&bundle, size)?.as_bytes())?;
        writeln!(out, "signature  {}", signature.text(&bundle))?;
        if let Some(protocol) = &protocol {
            out.write_all(steps_text(&bundle, protocol)?.as_bytes())?;
        }
    }
    out.flush()?;
    match fault {
        None => Ok(ExitCode::SUCCESS),
        Some(fault) => Err(in_file(arguments, &fault).into()),
    }
}

fn in_file(arguments: &InspectArguments, what: &str) -> String {
    format!("{}: {}", arguments.file.display(), printable(what))
}

/// The file, as far as it can be a bundle.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, BadArguments> {
    let most = bundle::LARGEST as u64 + 1;
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(most).read_to_end(&mut bytes))
        .map_err(|error| BadArguments(format!("{} cannot be read: {error}", file.display())))?;
    Ok(bytes)
}

/// What is known of who signed.
enum Signature {
    Unsigned,
    /// By the owner of a key; nobody asked whether that key is trusted.
    Signed,
    Verified,
    /// A trusted key was demanded, and this is why it is not the signer's.
    NotVerified(String),
}

impl Signature {
    fn of(bundle: &Bundle, trusted: &[PublicKey]) -> Self {
        match bundle.signer() {
            _ if !trusted.is_empty() => match bundle.verify(trusted) {
                Ok(_) => Self::Verified,
                Err(error) => Self::NotVerified(error.to_string()),
            },
            Some(_) => Self::Signed,
            None => Self::Unsigned,
        }
    }

    fn state(&self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Signed => "signed",
            Self::Verified => "verified",
            Self::NotVerified(_) => "not verified",
        }
    }

    fn text(&self, bundle: &Bundle) -> String {
        let by = bundle.signer().map_or("none".to_owned(), |signer| format!("by {}", signer.fingerprint()));
        match self {
            Self::Unsigned => by,
            Self::Signed => format!("{by}; whether to trust that key, --trust KEY says"),
            Self::Verified => format!("{by}, verified"),
            Self::NotVerified(_) => format!("{by}, NOT verified"),
        }
    }
}

fn steps_text(bundle: &Bundle, protocol: &Protocol) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for (index, step) in protocol.steps().iter().enumerate() {
        let breaking = if step.is_breaking() { ", breaking" } else { "" };
        writeln!(text, "\nstep {} -> {}{breaking}", step.from(), step.to())?;
        writeln!(text, "  past     {}", Tally::of(step.past()).text())?;
        writeln!(text, "  future   {}", Tally::of(step.future()).text())?;
        for code in by_code(protocol, index) {
            writeln!(text, "  by code  {} ({}): needs the program of {}", code.method, code.side, code.program)?;
        }
    }
    if bundle.kind() == Kind::Step {
        writeln!(text, "\nWhat versions before these two used is not known here, and may leave less the same.")?;
    }
    Ok(text)
}

fn steps_json(protocol: &Protocol) -> Value {
    let of = |(index, step): (usize, &crate::protocol::Step)| {
        let code: Vec<Value> = by_code(protocol, index)
            .iter()
            .map(|code| json!({ "side": code.side, "method": code.method, "program": code.program }))
            .collect();
        json!({
            "from": step.from().to_string(),
            "to": step.to().to_string(),
            "breaking": step.is_breaking(),
            "past": Tally::of(step.past()).json(),
            "future": Tally::of(step.future()).json(),
            "code": code,
        })
    };
    protocol.steps().iter().enumerate().map(of).collect()
}

/// A method that a bundle cannot bring: a simulation object answers it.
struct ByCode {
    side: &'static str,
    method: String,
    /// The version whose program has the object.
    program: String,
}

fn by_code(protocol: &Protocol, index: usize) -> Vec<ByCode> {
    let (step, old, new) = (&protocol.steps()[index], &protocol.versions()[index], &protocol.versions()[index + 1]);
    let mut found = Vec::new();
    for (side, schema, hops) in [("past", old, step.past()), ("future", new, step.future())] {
        for (method, hop) in schema.methods().iter().zip(hops) {
            if let Hop::Code { .. } = hop {
                // The newer program has the code of both directions.
                let program = step.to().to_string();
                found.push(ByCode { side, method: method.full_name().to_owned(), program });
            }
        }
    }
    found
}

/// Text that may be anybody's, for a terminal: nothing in it moves the cursor or changes colours.
pub(super) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, letter| {
        match letter {
            '\n' => shown.push('\n'),
            control if control.is_control() => shown.extend(control.escape_default()),
            other => shown.push(other),
        }
        shown
    })
}
