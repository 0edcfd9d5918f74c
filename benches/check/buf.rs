//! Buf, as its makers publish it for npm.

use std::path::{Path, PathBuf};
use std::process::Command;

const VERSION: &str = "1.75.0";

/// Buf's program itself, not the script around it; brought into `target/tools/buf` where it is missing.
pub(crate) fn bring() -> Result<PathBuf, String> {
    let folder = Path::new("target/tools/buf");
    if let Some(program) = find(folder) {
        return Ok(program);
    }
    println!("bringing @bufbuild/buf {VERSION} from npm into {}", folder.display());
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"]).arg(folder);
    npm.arg(format!("@bufbuild/buf@{VERSION}"));
    match npm.status() {
        Err(error) => Err(format!("npm cannot be run: {error}")),
        Ok(status) if !status.success() => Err(format!("npm could not bring it: {status}")),
        Ok(_) => find(folder).ok_or_else(|| "npm brought no program for this machine".to_owned()),
    }
}

fn find(folder: &Path) -> Option<PathBuf> {
    let packages = std::fs::read_dir(folder.join("node_modules/@bufbuild")).ok()?;
    let programs = packages.filter_map(|package| Some(package.ok()?.path().join("bin/buf")));
    let program =
        programs.filter(|program| program.is_file()).find(|program| !program.parent().is_some_and(is_script))?;
    program.canonicalize().ok()
}

/// The package without a machine's name holds the script.
fn is_script(bin: &Path) -> bool {
    bin.parent().and_then(Path::file_name).is_some_and(|name| name == "buf")
}
