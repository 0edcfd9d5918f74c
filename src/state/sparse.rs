//! Copies of files that leave out what was never written: records take a megabyte of room before they have much in them, and
//! whoever waits for a copy waits until all of it is on disk.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::Path;

/// Copies a file, its holes as holes.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let about = source.metadata()?;
    let mut target = File::create(to)?;
    let mut at = 0;
    while let Some((begin, end)) = data(&source, at, about.len())? {
        source.seek(io::SeekFrom::Start(begin))?;
        target.seek(io::SeekFrom::Start(begin))?;
        io::copy(&mut Read::by_ref(&mut source).take(end - begin), &mut target)?;
        at = end;
    }
    target.set_len(about.len())?;
    fs::set_permissions(to, about.permissions())
}

/// Where there is something from `at` on, and where it ends.
#[cfg(target_os = "linux")]
fn data(file: &File, at: u64, length: u64) -> io::Result<Option<(u64, u64)>> {
    use rustix::fs::{SeekFrom, seek};
    use rustix::io::Errno;
    if at >= length {
        return Ok(None);
    }
    match seek(file, SeekFrom::Data(at)) {
        Ok(begin) if begin < length => {
            let end = seek(file, SeekFrom::Hole(begin))?;
            Ok(Some((begin, end.min(length))))
        }
        Ok(_) | Err(Errno::NXIO) => Ok(None),
        // The file system knows of no holes.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(Some((at, length))),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "it is found out elsewhere")]
fn data(_: &File, at: u64, length: u64) -> io::Result<Option<(u64, u64)>> {
    Ok((at < length).then_some((at, length)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_copy_has_the_same_bytes_wherever_the_holes_are() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        let large = 1 << 20;
        for (parts, length) in [
            (&[][..], 0),
            (&[], large),
            (&[(0, 10)], 10),
            (&[(0, 5_000)], large),
            (&[(large / 2, 100)], large),
            (&[(0, 1), (large / 4, 9_000), (large - 3, 3)], large),
        ] {
            let mut file = File::create(&from).unwrap();
            file.set_len(length).unwrap();
            for (at, bytes) in parts {
                file.seek(io::SeekFrom::Start(*at)).unwrap();
                file.write_all(&vec![7; *bytes]).unwrap();
            }
            fs::write(&to, "of before").unwrap();
            copy(&from, &to).unwrap();
            assert!(fs::read(&from).unwrap() == fs::read(&to).unwrap(), "{parts:?} of {length}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn holes_stay_holes_where_the_file_system_knows_them() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        let mut file = File::create(&from).unwrap();
        file.write_all(b"something").unwrap();
        file.set_len(1 << 20).unwrap();
        file.sync_all().unwrap();
        copy(&from, &to).unwrap();
        File::open(&to).unwrap().sync_all().unwrap();
        assert_eq!(fs::metadata(&to).unwrap().blocks(), fs::metadata(&from).unwrap().blocks());
    }
}
