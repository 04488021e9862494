//! How is a file read that a person names, whatever it is? As text up to a size, or not at all.
//!
//! A device never ends and a named pipe may never begin; what is no workload may hold anything, which is
//! no reason to send it to somebody's terminal.

pub mod source;

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Bytes of a file of parameters, claims or thresholds at most: a thousand times what they have.
pub const MOST_PARAMETERS: u64 = 1 << 20;

/// Bytes of a record at most: that of the longest run has a hundredth of it.
pub const MOST_RECORD: u64 = 1 << 30;

/// Characters of somebody else's line that are shown.
const MOST_SHOWN: usize = 200;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The system says no, or it is not text.
    #[error("cannot be read: {0}")]
    System(#[from] io::Error),
    /// It is a folder, a device or the like.
    #[error("cannot be read: it is {0}; give the path of a regular file")]
    NoFile(&'static str),
    /// It is too large.
    #[error("cannot be read: it has more than {}, which no {what} has", size(*.most_bytes))]
    TooLarge {
        /// What it should be.
        what: &'static str,
        /// Bytes that would be read.
        most_bytes: u64,
    },
    /// It is text in another encoding, as some editors and shells write it.
    #[error("cannot be read: it is {0} text; write it as UTF-8 (iconv -f {0} -t UTF-8)")]
    Encoding(&'static str),
}

impl InputError {
    /// What kind of error the system gave; of others none of its own.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            InputError::System(error) => error.kind(),
            InputError::NoFile(_) | InputError::TooLarge { .. } | InputError::Encoding(_) => {
                io::ErrorKind::Other
            }
        }
    }
}

fn size(bytes: u64) -> String {
    match bytes >> 30 {
        0 => format!("{} MiB", bytes >> 20),
        gibibytes => format!("{gibibytes} GiB"),
    }
}

/// Reads the text of a regular file of parameters, at most [`MOST_PARAMETERS`] bytes.
///
/// # Errors
/// [`InputError`], in words that can follow the path.
pub fn parameters(path: &Path) -> Result<String, InputError> {
    // Without it, opening a named pipe would wait for somebody who writes.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(path)?;
    match no_file(&file)? {
        Some(what) => Err(InputError::NoFile(what)),
        None => text(file, "file of parameters", MOST_PARAMETERS),
    }
}

/// Reads the text of a record, at most [`MOST_RECORD`] bytes: of a file, or of a pipe, into which
/// somebody may unpack one.
///
/// # Errors
/// [`InputError`], in words that can follow the path.
pub fn record(path: &Path) -> Result<String, InputError> {
    let file = File::open(path)?;
    match no_file(&file)? {
        Some(what) if what != PIPE => Err(InputError::NoFile(what)),
        _ => text(file, RECORD, MOST_RECORD),
    }
}

/// Reads the text of a record from what is open already, at most [`MOST_RECORD`] bytes.
///
/// # Errors
/// [`InputError`], in words that can follow the name of it.
pub fn record_from(open: impl Read) -> Result<String, InputError> {
    text(open, RECORD, MOST_RECORD)
}

const RECORD: &str = "record";

const PIPE: &str = "a pipe";

/// What a file is that is no regular one.
fn no_file(file: &File) -> io::Result<Option<&'static str>> {
    let kind = file.metadata()?.file_type();
    Ok(match kind {
        _ if kind.is_file() => None,
        _ if kind.is_dir() => Some("a folder"),
        _ if kind.is_fifo() => Some(PIPE),
        _ if kind.is_socket() => Some("a socket"),
        _ => Some("a device"),
    })
}

fn text(open: impl Read, what: &'static str, most_bytes: u64) -> Result<String, InputError> {
    let mut bytes = Vec::new();
    open.take(most_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most_bytes {
        return Err(InputError::TooLarge { what, most_bytes });
    }
    if let Some(encoding) = other_encoding(&bytes) {
        return Err(InputError::Encoding(encoding));
    }
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    let text = String::from_utf8(bytes);
    text.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text").into())
}

/// What some editors begin a file of UTF-8 text with; it says nothing.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The encoding of a text that is not UTF-8, by its mark, or by the zeros beside its first character: nothing that is
/// read here begins with anything but ASCII.
fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => "UTF-32",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16",
        [1..=255, 0, 0, 0, ..] => "UTF-32LE",
        [0, 0, 0, 1..=255, ..] => "UTF-32BE",
        [1..=255, 0, ..] => "UTF-16LE",
        [0, 1..=255, ..] => "UTF-16BE",
        _ => return None,
    })
}

/// Somebody else's text for a sentence: control characters as escapes, and no more than 200 characters.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == MOST_SHOWN {
            shown.push('…');
            break;
        }
        match is_visible(c) {
            true => shown.push(c),
            false => shown.extend(c.escape_default()),
        }
    }
    shown
}

/// Whether a character shows as itself and turns nothing round: no control, no mark of direction.
fn is_visible(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_of_its_size_is_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "text").unwrap();
        assert_eq!(parameters(&path).unwrap(), "text");
        assert_eq!(record(&path).unwrap(), "text");
        std::fs::write(&path, vec![b' '; MOST_PARAMETERS as usize]).unwrap();
        assert_eq!(parameters(&path).unwrap().len() as u64, MOST_PARAMETERS);
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(MOST_PARAMETERS + 1).unwrap();
        let said = parameters(&path).unwrap_err().to_string();
        assert_eq!(
            said,
            "cannot be read: it has more than 1 MiB, which no file of parameters has"
        );
        std::fs::write(&path, [0xff]).unwrap();
        let said = parameters(&path).unwrap_err();
        assert_eq!(said.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn what_never_ends_or_never_begins_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let said = |path: &Path| parameters(path).unwrap_err().to_string();
        assert!(said(&pipe).starts_with("cannot be read: it is a pipe;"));
        assert!(said(Path::new("/dev/zero")).starts_with("cannot be read: it is a device;"));
        assert!(said(folder.path()).starts_with("cannot be read: it is a folder;"));
        let of_record = record(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(
            of_record.starts_with("cannot be read: it is a device;"),
            "{of_record}"
        );
    }

    #[test]
    fn a_pipe_may_carry_a_record_and_no_more() {
        let said = text(io::repeat(b' '), RECORD, 1 << 20).unwrap_err();
        assert_eq!(
            said.to_string(),
            "cannot be read: it has more than 1 MiB, which no record has"
        );
        assert_eq!(record_from(&b"{}"[..]).unwrap(), "{}");
    }

    #[test]
    fn a_byte_order_mark_is_passed_over_and_another_encoding_named() {
        let read = |bytes: &[u8]| record_from(bytes).map_err(|e| e.to_string());
        assert_eq!(read("\u{feff}{}".as_bytes()), Ok("{}".to_owned()));
        assert_eq!(read(b""), Ok(String::new()));
        let utf_16 = |order: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
            let text = format!("{mark}{{ }}");
            text.encode_utf16().flat_map(order).collect()
        };
        for (bytes, name) in [
            (utf_16(u16::to_le_bytes, "\u{feff}"), "UTF-16"),
            (utf_16(u16::to_be_bytes, "\u{feff}"), "UTF-16"),
            (utf_16(u16::to_le_bytes, ""), "UTF-16LE"),
            (utf_16(u16::to_be_bytes, ""), "UTF-16BE"),
            (b"\xff\xfe\0\0{\0\0\0".to_vec(), "UTF-32"),
            (b"{\0\0\0}\0\0\0".to_vec(), "UTF-32LE"),
            (b"\0\0\0{\0\0\0}".to_vec(), "UTF-32BE"),
        ] {
            let said = format!(
                "cannot be read: it is {name} text; write it as UTF-8 (iconv -f {name} -t UTF-8)"
            );
            assert_eq!(read(&bytes), Err(said));
        }
    }

    #[test]
    fn what_is_shown_is_short_and_moves_no_cursor() {
        assert_eq!(shown("slip = 0,1 §"), "slip = 0,1 §");
        assert_eq!(shown("\u{1b}[2J\r\u{202e}"), "\\u{1b}[2J\\r\\u{202e}");
        let long = shown(&"ä".repeat(1000));
        assert_eq!(long.chars().count(), MOST_SHOWN + 1);
        assert!(long.ends_with('…'));
    }
}
