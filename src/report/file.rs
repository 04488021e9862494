//! How does a file of results appear whole or not at all?

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Writes the file `name` into `dir`, which is created where it is missing, and gives its path.
///
/// The file appears whole or not at all: it is written beside its place, synced, and renamed, so
/// that a crash or a full disk leaves an earlier one as it was.
///
/// # Errors
/// Those of the file system, with the path and what to do.
pub fn save(
    dir: &Path,
    name: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<PathBuf> {
    fs::create_dir_all(dir).map_err(|e| explain("create the folder", dir, &e))?;
    let path = dir.join(name);
    let unfinished = dir.join(format!(".{name}.{}", std::process::id()));
    let written = write_synced(&unfinished, write)
        .and_then(|()| fs::rename(&unfinished, &path))
        .map_err(|e| explain("write", &path, &e));
    if let Err(error) = written {
        // Nothing can be done about a failure here, and the first error is the one to tell.
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    sync_folder(dir);
    Ok(path)
}

fn write_synced(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    write(&mut out)?;
    out.into_inner().map_err(|e| e.into_error())?.sync_all()
}

/// Makes the rename durable. Some file systems refuse to sync a folder; the record is whole there too.
fn sync_folder(dir: &Path) {
    if let Ok(folder) = File::open(dir) {
        let _ = folder.sync_all();
    }
}

fn explain(action: &str, path: &Path, error: &io::Error) -> io::Error {
    let advice = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "free some space there, or give another folder with --out"
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            "give a folder you may write to with --out"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists | ErrorKind::IsADirectory => {
            "something else has that name; give another folder with --out"
        }
        _ => "give another folder with --out",
    };
    io::Error::new(
        error.kind(),
        format!("{action} {}: {error}; {advice}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_with_the_path_and_the_next_step() {
        let full = io::Error::from(ErrorKind::StorageFull);
        let said = explain("write", Path::new("reports/run.json"), &full).to_string();
        assert!(said.starts_with("write reports/run.json: "), "{said}");
        assert!(
            said.ends_with("free some space there, or give another folder with --out"),
            "{said}"
        );
    }
}
