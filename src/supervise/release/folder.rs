//! A release's folder: what lies in it, and nothing beyond.

use std::fs::File;
use std::io;
use std::path::{Component, Path};

use super::error::{Kind, ReleaseError, io as failed};

/// The program, opened, and its digest.
pub(super) fn read(folder: &Path, program: &str) -> Result<(File, String), ReleaseError> {
    let file = folder.join(program);
    let real = |path: &Path| path.canonicalize();
    let found = match real(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Kind::NoProgram(file).into()),
        found => found.map_err(failed(&file, "looking for it"))?,
    };
    // A link may lead out of it.
    if !found.starts_with(real(folder).map_err(failed(folder, "looking for it"))?) {
        return Err(Kind::Beyond(file).into());
    }
    let mut open = File::open(&found).map_err(failed(&file, "reading it"))?;
    let metadata = open.metadata().map_err(failed(&file, "reading it"))?;
    if !metadata.is_file() || !is_executable(&metadata) {
        return Err(Kind::NotExecutable(file).into());
    }
    let digest = super::digest(&mut open).map_err(failed(&file, "reading it"))?;
    Ok((open, digest))
}

/// Whether a path, by its words, stays within the folder that it begins in.
pub(super) fn within(program: &str) -> Result<(), String> {
    let plain = Path::new(program).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if program.is_empty() || !plain {
        return Err(format!(
            "`program` is {program:?}: a path from the release's folder on is wanted, that stays in it"
        ));
    }
    Ok(())
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    true
}
