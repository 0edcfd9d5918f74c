//! `straddle keygen`: a pair of keys for signing bundles.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::arguments::KeygenArguments;
use super::whole_file::{self, Readers};
use super::{BadArguments, Outcome};
use crate::bundle::{PublicKey, SecretKey};

/// No key is longer: another file was named.
const LONGEST: u64 = 64 << 10;

pub(super) fn run(arguments: &KeygenArguments) -> Outcome {
    let (secret, public) = (&arguments.file, beside(&arguments.file));
    if !arguments.force
        && let Some(there) = [secret, &public].into_iter().find(|file| fs::symlink_metadata(file).is_ok())
    {
        let advice = "name another file, or replace both keys with --force";
        return Err(format!("{} is there already\n  help: {advice}", there.display()).into());
    }
    let key = SecretKey::generate()?;
    whole_file::write(secret, key.to_pem()?.as_bytes(), Readers::Owner, arguments.force)?;
    whole_file::write(&public, key.public().to_pem()?.as_bytes(), Readers::AsUsual, arguments.force)?;
    let mut out = io::stdout().lock();
    writeln!(out, "secret key   {}: keep it to yourself", secret.display())?;
    writeln!(out, "public key   {}: give it to whoever is to trust you", public.display())?;
    writeln!(out, "fingerprint  {}", key.public().fingerprint())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// The file of the public key.
fn beside(secret: &Path) -> PathBuf {
    let mut name = secret.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// Reads a secret key, and warns where others can read it, too.
pub(super) fn secret_key(file: &Path) -> Result<SecretKey, BadArguments> {
    let key = SecretKey::from_pem(&text(file)?).map_err(|error| bad(file, &error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let open_to_others = |metadata: fs::Metadata| metadata.permissions().mode() & 0o077 != 0;
        if fs::metadata(file).is_ok_and(open_to_others) {
            eprintln!("warning: others can read the secret key {}; chmod 600 keeps it to you", file.display());
        }
    }
    Ok(key)
}

/// Reads a public key.
pub(super) fn public_key(file: &Path) -> Result<PublicKey, BadArguments> {
    PublicKey::from_pem(&text(file)?).map_err(|error| bad(file, &error))
}

fn text(file: &Path) -> Result<String, BadArguments> {
    let read = || -> io::Result<String> { io::read_to_string(io::Read::take(fs::File::open(file)?, LONGEST)) };
    read().map_err(|error| BadArguments(format!("{} cannot be read: {error}", file.display())))
}

fn bad(file: &Path, error: &dyn std::error::Error) -> BadArguments {
    BadArguments(format!("{}: {error}", file.display()))
}
