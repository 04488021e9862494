//! Which program is this, and may others of it look at it?

use nix::libc::{self, c_int, c_void, dl_phdr_info, size_t};
use nix::sys::prctl;
use std::sync::LazyLock;

/// The hidden subcommand that prints [`identity`].
pub const SUBCOMMAND: &str = "identity";

/// Type of the note that holds a build id.
const BUILD_ID: u32 = 3;

/// Lets host and workers look at each other in /proc. The kernel forbids it, to everybody but root, where the
/// program's file may be executed and not read, or has capabilities.
pub fn allow_looks() {
    let _ = prctl::set_dumpable(true);
}

/// What tells this build of the program from any other: the build id that the linker gave it, or else a hash
/// of its file; `None` where the file cannot be read either.
#[must_use]
pub fn build_id() -> Option<&'static str> {
    static ID: LazyLock<Option<String>> = LazyLock::new(|| {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect();
        let of_linker = linked_id().map(hex);
        of_linker.or_else(|| {
            Some(format!(
                "{:016x}",
                hash(&std::fs::read("/proc/self/exe").ok()?)
            ))
        })
    });
    ID.as_deref()
}

/// The program's name, version and build.
#[must_use]
pub fn identity() -> String {
    let build = build_id().unwrap_or("unknown");
    format!("forkscope {} {build}\n", env!("CARGO_PKG_VERSION"))
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// The build id among the notes of this program in memory, where the linker wrote one: its file may not be
/// readable, and what the kernel takes for its file may be another one.
fn linked_id() -> Option<&'static [u8]> {
    let mut found: Option<&'static [u8]> = None;
    // SAFETY: `first` keeps to the convention, and its data is `found`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(first), (&raw mut found).cast()) };
    found
}

/// Looks at the first object, which is the program, and ends the walk.
unsafe extern "C" fn first(info: *mut dl_phdr_info, _: size_t, found: *mut c_void) -> c_int {
    // SAFETY: the loader gives a description that is good for the call, and `linked_id` a place for the id.
    let (info, found) = unsafe { (&*info, &mut *found.cast::<Option<&'static [u8]>>()) };
    let headers = match info.dlpi_phnum {
        0 => &[],
        // SAFETY: there are so many of them.
        count => unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(count)) },
    };
    *found = headers
        .iter()
        .filter(|h| h.p_type == libc::PT_NOTE)
        .find_map(|header| {
            let begin = (info.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
            // SAFETY: notes are loaded with the program, are never written to, and stay while it runs.
            let notes = unsafe {
                std::slice::from_raw_parts(
                    std::ptr::with_exposed_provenance(begin),
                    header.p_memsz as usize,
                )
            };
            build_id_of(notes, header.p_align as usize)
        });
    1
}

/// The build id of these notes: sizes of name and content, type, name and content, each padded to `align`.
fn build_id_of(mut notes: &[u8], align: usize) -> Option<&[u8]> {
    let align = align.max(4);
    loop {
        let word = |at: usize| Some(u32::from_ne_bytes(notes.get(at..at + 4)?.try_into().ok()?));
        let (name, content, kind) = (word(0)? as usize, word(4)? as usize, word(8)?);
        let begin = (12 + name).next_multiple_of(align);
        let end = begin + content;
        if kind == BUILD_ID && notes.get(12..12 + name)? == b"GNU\0" {
            return notes.get(begin..end);
        }
        notes = notes.get(end.next_multiple_of(align)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(name: &[u8], kind: u32, content: &[u8]) -> Vec<u8> {
        let words = [name.len() as u32, content.len() as u32, kind];
        let mut note: Vec<u8> = words.into_iter().flat_map(u32::to_ne_bytes).collect();
        for part in [name, content] {
            note.extend(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    #[test]
    fn the_build_id_is_found_among_other_notes() {
        let abi = note(b"GNU\0", 1, &[0; 16]);
        let foreign = note(b"Go\0\0", BUILD_ID, b"another");
        let own = note(b"GNU\0", BUILD_ID, b"12345");
        let all = [abi.clone(), foreign.clone(), own].concat();
        assert_eq!(build_id_of(&all, 4), Some(&b"12345"[..]));
        assert_eq!(build_id_of(&[abi, foreign].concat(), 4), None);
        assert_eq!(build_id_of(&all[..all.len() - 4], 4), None, "cut short");
    }

    #[test]
    fn this_program_has_a_build_that_stays_the_same() {
        let id = build_id().expect("its file can be read, if nothing else");
        assert!(
            id.len() >= 16 && id.bytes().all(|b| b.is_ascii_hexdigit()),
            "{id}"
        );
        assert_eq!(build_id(), Some(id));
    }
}
