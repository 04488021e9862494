//! How does a file of results appear whole or not at all?

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What a person gives to say where results go, and by which option.
#[derive(Clone, Copy)]
struct Given {
    thing: &'static str,
    option: &'static str,
}

const FOLDER: Given = Given {
    thing: "folder",
    option: "--out",
};

const FILE: Given = Given {
    thing: "file",
    option: "-o",
};

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
    save_into(dir, name.as_ref(), write, FOLDER)
}

/// Writes the file `path`, as [`save`] does. Where a link leads there, its target is written; what is no
/// regular file (`/dev/null`, a named pipe) cannot be renamed to, and is written to as it is.
///
/// # Errors
/// Those of the file system, with the path and what to do.
pub fn replace(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let is_special = fs::metadata(&target).is_ok_and(|m| !m.is_file() && !m.is_dir());
    if is_special {
        let written = File::options()
            .write(true)
            .open(&target)
            .and_then(|mut file| write(&mut file));
        return written.map_err(|e| explain("write", path, &e, FILE));
    }
    let name = match target.file_name() {
        Some(name) if !target.is_dir() => name,
        _ => {
            return Err(explain(
                "write",
                path,
                &ErrorKind::IsADirectory.into(),
                FILE,
            ));
        }
    };
    let dir = match target.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    save_into(dir, name, write, FILE).map(|_| ())
}

/// Bytes that there has to be room for before anything is measured: more than a record without pairs has.
const ROOM: usize = 1 << 16;

/// A folder of results that no other run writes to: for as long as this lives, or its process.
#[derive(Debug)]
pub struct Claim {
    /// Open, it keeps the lock.
    folder: Option<File>,
    /// The folders that were made for it, the innermost first.
    made: Vec<PathBuf>,
}

/// Folders that were made, and to which nothing was written, are not left behind.
impl Drop for Claim {
    fn drop(&mut self) {
        // What is in use is not empty, and stays.
        let _ = self.made.iter().try_for_each(fs::remove_dir);
    }
}

/// Makes the folder `dir` where it is missing, keeps other runs from writing to it (the later record would take
/// the place of the earlier one), and makes sure that a file of `ROOM` bytes can be written there.
///
/// # Errors
/// When a living process has claimed it, and those of the file system, with the path and what to do.
pub fn claim(dir: &Path) -> io::Result<Claim> {
    let claim = Claim::made_with(missing(dir));
    fs::create_dir_all(dir).map_err(|e| explain("create the folder", dir, &e, FOLDER))?;
    claim.keep(dir)
}

/// Makes the folder `name` in `parent`, or the first of `name-2`, `name-3`, … that nobody has made, and claims it:
/// two runs that begin in the same second have two folders.
///
/// # Errors
/// As for [`claim`].
pub fn claim_new(parent: &Path, name: &str) -> io::Result<(PathBuf, Claim)> {
    let missing = missing(parent);
    fs::create_dir_all(parent).map_err(|e| explain("create the folder", parent, &e, FOLDER))?;
    let mut dir = parent.join(name);
    for n in 2.. {
        match fs::create_dir(&dir) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                dir = parent.join(format!("{name}-{n}"));
            }
            Err(e) => return Err(explain("create the folder", &dir, &e, FOLDER)),
            Ok(()) => break,
        }
    }
    let made = std::iter::once(dir.clone()).chain(missing).collect();
    let claim = Claim::made_with(made).keep(&dir)?;
    Ok((dir, claim))
}

/// What is missing of a folder and those that it is in, the innermost first.
fn missing(dir: &Path) -> Vec<PathBuf> {
    let is_missing = |a: &&Path| !a.as_os_str().is_empty() && a.symlink_metadata().is_err();
    let missing = dir.ancestors().take_while(is_missing);
    missing.map(Path::to_owned).collect()
}

impl Claim {
    /// With folders that are made for it.
    fn made_with(made: Vec<PathBuf>) -> Claim {
        Claim { folder: None, made }
    }

    /// Keeps other runs out of `dir`, and makes sure of its room.
    fn keep(mut self, dir: &Path) -> io::Result<Claim> {
        // What cannot be opened to read may be written to all the same, and some file systems know no locks.
        if let Ok(folder) = File::open(dir) {
            match folder.try_lock() {
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(io::Error::new(
                        ErrorKind::WouldBlock,
                        format!(
                            "write to {}: another run is writing its record there; wait for its end, or give another folder with --out",
                            dir.display()
                        ),
                    ));
                }
                Ok(()) => self.folder = Some(folder),
                Err(fs::TryLockError::Error(_)) => {}
            }
        }
        let probe = unfinished(dir, "room".as_ref());
        let written = write_synced(&probe, |out| out.write_all(&vec![b' '; ROOM]));
        // Nothing can be done about a failure here, and the first error is the one to tell.
        let _ = fs::remove_file(&probe);
        written.map_err(|e| explain("write to", dir, &e, FOLDER))?;
        Ok(self)
    }
}

/// Whether a file's name is that of a record, or of one that [`keep_earlier`] has kept.
#[must_use]
pub fn is_record(name: &OsStr) -> bool {
    let number = |n: &str| {
        n.strip_prefix('-')
            .is_some_and(|n| n.parse::<u32>().is_ok())
    };
    let name = name.to_str().and_then(|n| n.strip_prefix("run"));
    let kept = name.and_then(|n| n.strip_suffix(".json"));
    kept.is_some_and(|n| n.is_empty() || number(n))
}

/// Puts the record of an earlier run in `dir` out of the way, under the first name of its kind that is free
/// (`run-1.json`), and gives that: what took twenty minutes is not lost because a folder is named twice. `None` where
/// there is none, or one without pairs.
///
/// # Errors
/// Those of the file system, with the path and what to do.
pub fn keep_earlier(dir: &Path) -> io::Result<Option<PathBuf>> {
    let record = dir.join("run.json");
    let has_pairs = |text: String| text.contains("\"measured\"");
    if !fs::read_to_string(&record).is_ok_and(has_pairs) {
        return Ok(None);
    }
    let free = |n: u32| Some(dir.join(format!("run-{n}.json"))).filter(|p| !p.exists());
    let kept = (1..).find_map(free).expect("there is always a next number");
    fs::rename(&record, &kept).map_err(|e| explain("rename", &record, &e, FOLDER))?;
    Ok(Some(kept))
}

fn save_into(
    dir: &Path,
    name: &OsStr,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    given: Given,
) -> io::Result<PathBuf> {
    fs::create_dir_all(dir).map_err(|e| explain("create the folder", dir, &e, given))?;
    let path = dir.join(name);
    let unfinished = unfinished(dir, name);
    let written = write_synced(&unfinished, write)
        .and_then(|()| fs::rename(&unfinished, &path))
        .map_err(|e| explain("write", &path, &e, given));
    if let Err(error) = written {
        // Nothing can be done about a failure here, and the first error is the one to tell.
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    sync_folder(dir);
    Ok(path)
}

/// Where a file lies until it is whole.
fn unfinished(dir: &Path, name: &OsStr) -> PathBuf {
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", std::process::id()));
    dir.join(hidden)
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

fn explain(action: &str, path: &Path, error: &io::Error, given: Given) -> io::Error {
    let Given { thing, option } = given;
    let another = format!("give another {thing} with {option}");
    let advice = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            format!("free some space there, or {another}")
        }
        ErrorKind::FileTooLarge => {
            format!("raise the limit of file sizes (ulimit -f), or {another}")
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            format!("give a {thing} you may write to with {option}")
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists | ErrorKind::IsADirectory => {
            format!("something else has that name; {another}")
        }
        _ => another,
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
        let said = explain("write", Path::new("reports/run.json"), &full, FOLDER).to_string();
        assert!(said.starts_with("write reports/run.json: "), "{said}");
        assert!(
            said.ends_with("free some space there, or give another folder with --out"),
            "{said}"
        );
    }

    #[test]
    fn the_record_of_an_earlier_run_is_kept_under_a_name_that_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let record = dir.path().join("run.json");
        assert_eq!(keep_earlier(dir.path()).unwrap(), None);
        // One in which nothing was measured is none to be sorry for.
        fs::write(&record, "{}").unwrap();
        assert_eq!(keep_earlier(dir.path()).unwrap(), None);
        for n in 1..=2 {
            let text = format!("{{\"measured\": {n}}}");
            fs::write(&record, &text).unwrap();
            let kept = dir.path().join(format!("run-{n}.json"));
            assert_eq!(keep_earlier(dir.path()).unwrap(), Some(kept.clone()));
            assert_eq!(fs::read_to_string(&kept).unwrap(), text);
            assert!(!record.exists());
            assert!(is_record(kept.file_name().unwrap()));
        }
    }

    #[test]
    fn a_record_has_its_name_or_a_number_behind_it() {
        for name in ["run.json", "run-1.json", "run-12.json"] {
            assert!(is_record(name.as_ref()), "{name}");
        }
        for name in [
            "run-.json",
            "run-a.json",
            "rerun.json",
            "run1.json",
            ".run.json.7",
            "run",
        ] {
            assert!(!is_record(name.as_ref()), "{name}");
        }
    }

    fn write_text(text: &str) -> impl FnOnce(&mut dyn Write) -> io::Result<()> {
        move |out| out.write_all(text.as_bytes())
    }

    #[test]
    fn a_file_is_replaced_where_it_is_and_a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("new/a.md"), folder.path().join("b.md"));
        replace(&file, write_text("one")).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, write_text("two")).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let failed = replace(&file, |_| Err(ErrorKind::StorageFull.into())).unwrap_err();
        assert!(
            failed.to_string().contains("another file with -o"),
            "{failed}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        let files = fs::read_dir(file.parent().unwrap()).unwrap().count();
        assert_eq!(files, 1, "nothing unfinished is left behind");
    }

    #[test]
    fn a_folder_that_a_run_writes_to_is_refused_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("new");
        let first = claim(&dir).unwrap();
        let said = claim(&dir).unwrap_err().to_string();
        assert!(
            said.contains("another run is writing its record there"),
            "{said}"
        );
        assert!(said.ends_with("with --out"), "{said}");
        // It is no obstacle to the run itself, and leaves nothing in the folder.
        save(&dir, "run.json", write_text("one")).unwrap();
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        drop(first);
        claim(&dir).unwrap();
    }

    #[test]
    fn runs_that_begin_in_the_same_second_have_folders_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let parent = folder.path().join("reports");
        let make = || claim_new(&parent, "now").unwrap();
        let mut made: Vec<(PathBuf, Claim)> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        made.sort_by(|a, b| a.0.cmp(&b.0));
        let names = [
            "now", "now-2", "now-3", "now-4", "now-5", "now-6", "now-7", "now-8",
        ];
        let paths: Vec<&PathBuf> = made.iter().map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            names.map(|n| parent.join(n)).iter().collect::<Vec<_>>()
        );
        let paths: Vec<PathBuf> = paths.into_iter().cloned().collect();
        drop(made);
        assert!(paths.iter().all(|p| !p.exists()), "nothing was written");
    }

    #[test]
    fn a_folder_that_was_made_for_nothing_is_not_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let outer = folder.path().join("a");
        drop(claim(&outer.join("b/c")).unwrap());
        assert!(!outer.exists());
        let claimed = claim(&outer.join("b/c")).unwrap();
        fs::write(outer.join("other"), "").unwrap();
        drop(claimed);
        assert!(outer.exists() && !outer.join("b").exists());
        // What was there before stays, also empty.
        drop(claim(&outer).unwrap());
        assert!(outer.exists());
    }

    #[test]
    fn a_folder_is_no_file_and_a_pipe_stays_one() {
        use std::io::Read;
        use std::os::unix::fs::FileTypeExt;

        let folder = tempfile::tempdir().unwrap();
        let said = replace(folder.path(), write_text("one")).unwrap_err();
        assert!(
            said.to_string().contains("something else has that name"),
            "{said}"
        );

        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        // Open for both: neither side waits for the other.
        let mut reader = File::options().read(true).write(true).open(&pipe).unwrap();
        replace(&pipe, write_text("one")).unwrap();
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
        let mut read = [0; 3];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"one");
    }
}
