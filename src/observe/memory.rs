//! How much memory does a tree of processes hold?
//!
//! RSS counts a shared page once per process and slanders processes; PSS divides it among its
//! users, so that a sum over host and workers counts every page once. What the kernel holds for
//! them comes on top: page tables and a kernel stack per task. Read it while workers are parked.
//!
//! Pages of hugetlbfs are in neither PSS nor USS (the kernel accounts them apart, under
//! `Private_Hugetlb`): forkscope maps none. Transparent huge pages are in both.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::unistd::{Pid, SysconfVar, sysconf};
use thiserror::Error;

use crate::record::Memory;

/// Bytes of a page.
///
/// # Errors
/// A sentence when the system does not say.
pub fn page_bytes() -> Result<usize, String> {
    match sysconf(SysconfVar::PAGE_SIZE) {
        Ok(Some(bytes)) if bytes > 0 => Ok(bytes as usize),
        _ => Err("the size of a page is unknown: `getconf PAGE_SIZE` should print it".to_owned()),
    }
}

/// Kernel stack of one task, bytes (THREAD_SIZE of x86-64 and arm64).
pub const KERNEL_STACK_BYTES: u64 = 16 * 1024;

/// Why memory could not be read.
#[derive(Debug, Error)]
pub enum MemoryError {
    /// The process is gone.
    #[error("read {}: the process has ended; look for why the worker died", path.display())]
    Vanished {
        /// The file.
        path: PathBuf,
    },
    /// The process belongs to someone else, or the container forbids it.
    #[error("read {}: permission denied; run as the user of the workers, or grant CAP_SYS_PTRACE", path.display())]
    Denied {
        /// The file.
        path: PathBuf,
    },
    /// The kernel has no such file, or leaves page tables out.
    #[error("read {}: the kernel does not offer all of it; CONFIG_PROC_PAGE_MONITOR is needed to measure memory, and not every sandbox has it", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
    },
    /// Any other failure.
    #[error("read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A line is missing.
    #[error("{}: no {field} in it; report the kernel version with this message", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line that was looked for.
        field: &'static str,
    },
}

/// What of the memory of some processes is pages of files: of the program and its libraries above all. A
/// stranger who runs the same program shares them, which makes their share smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilePages {
    /// Their part of the PSS, bytes.
    pub pss_bytes: u64,
    /// Of it, what nobody else maps and nobody has changed, bytes.
    pub private_bytes: u64,
}

impl FilePages {
    /// `memory`, which was read with `self` among strangers, as it was among none, when `alone` was read.
    #[must_use]
    pub fn exchanged(self, alone: FilePages, memory: Memory) -> Memory {
        let exchange = |all: u64, now: u64, then: u64| all.saturating_sub(now) + then;
        let pss_bytes = exchange(memory.pss_bytes, self.pss_bytes, alone.pss_bytes);
        let private = (self.private_bytes, alone.private_bytes);
        Memory {
            pss_bytes,
            uss_bytes: exchange(memory.uss_bytes, private.0, private.1),
            total_bytes: exchange(memory.total_bytes, memory.pss_bytes, pss_bytes),
            ..memory
        }
    }
}

/// Reads memory; keeps its buffer, so that reading many processes allocates once.
#[derive(Debug, Default)]
pub struct MemoryReader {
    text: String,
}

impl MemoryReader {
    /// A reader with room for a smaps_rollup.
    pub fn new() -> Self {
        Self {
            text: String::with_capacity(4096),
        }
    }

    /// Memory of these processes together; `live_heap_bytes` is 0 and for the caller to fill.
    ///
    /// Give each process once, host included. Costs a walk over all pages of each process.
    ///
    /// # Errors
    /// See [`MemoryError`]; one process that cannot be read fails the whole, for a sum without it
    /// would be wrong.
    pub fn read(&mut self, pids: &[Pid]) -> Result<Memory, MemoryError> {
        Ok(self.read_with_files(pids)?.0)
    }

    /// Like [`MemoryReader::read`], and what of it is pages of files; `None` where the kernel does not say
    /// (before Linux 5.4).
    ///
    /// # Errors
    /// As for [`MemoryReader::read`].
    pub fn read_with_files(
        &mut self,
        pids: &[Pid],
    ) -> Result<(Memory, Option<FilePages>), MemoryError> {
        let mut sum = Memory::default();
        let mut files = Some(FilePages::default());
        for &pid in pids {
            let path = match self.load(pid, "smaps_rollup") {
                // Linux before 4.14, and sandboxes: the same by mapping.
                Err(MemoryError::Unsupported { .. }) => self.load(pid, "smaps")?,
                read => read?,
            };
            let (pss, uss) =
                parse_maps(&self.text).map_err(|field| MemoryError::Malformed { path, field })?;
            files = files
                .zip(parse_files(&self.text))
                .map(|(sum, more)| FilePages {
                    pss_bytes: sum.pss_bytes + more.pss_bytes,
                    private_bytes: sum.private_bytes + more.private_bytes,
                });
            let status = self.load(pid, "status")?;
            let (tables, tasks) = match parse_status(&self.text) {
                Ok(both) => both,
                Err("VmPTE") if self.text.contains("VmSize:") => {
                    return Err(MemoryError::Unsupported { path: status });
                }
                // A process that ended but was not reaped has a status without memory.
                Err("VmPTE") => return Err(MemoryError::Vanished { path: status }),
                Err(field) => {
                    return Err(MemoryError::Malformed {
                        path: status,
                        field,
                    });
                }
            };
            sum.pss_bytes += pss;
            sum.uss_bytes += uss;
            sum.page_table_bytes += tables;
            sum.tasks += tasks;
        }
        sum.kernel_stack_bytes = sum.tasks * KERNEL_STACK_BYTES;
        sum.total_bytes = sum.pss_bytes + sum.page_table_bytes + sum.kernel_stack_bytes;
        Ok((sum, files))
    }

    /// Fills the buffer with a file of a process; gives the file's path for messages.
    fn load(&mut self, pid: Pid, file: &str) -> Result<PathBuf, MemoryError> {
        let path = PathBuf::from(format!("/proc/{pid}/{file}"));
        self.text.clear();
        let read = File::open(&path).and_then(|mut file| file.read_to_string(&mut self.text));
        match read {
            Ok(_) => Ok(path),
            Err(source) => Err(classify(path, source, pid)),
        }
    }
}

fn classify(path: PathBuf, source: io::Error, pid: Pid) -> MemoryError {
    if source.raw_os_error() == Some(Errno::ESRCH as i32) {
        return MemoryError::Vanished { path };
    }
    match source.kind() {
        io::ErrorKind::PermissionDenied => MemoryError::Denied { path },
        io::ErrorKind::NotFound if fs::exists(format!("/proc/{pid}")).unwrap_or(false) => {
            MemoryError::Unsupported { path }
        }
        io::ErrorKind::NotFound => MemoryError::Vanished { path },
        _ => MemoryError::Read { path, source },
    }
}

/// PSS and USS, bytes, from the text of a smaps_rollup or smaps; the name of the line that is missing
/// otherwise.
fn parse_maps(text: &str) -> Result<(u64, u64), &'static str> {
    let pss = kilobytes(text, "Pss:").ok_or("Pss")?;
    let clean = kilobytes(text, "Private_Clean:").ok_or("Private_Clean")?;
    let dirty = kilobytes(text, "Private_Dirty:").ok_or("Private_Dirty")?;
    Ok((pss, clean + dirty))
}

/// Pages of files, from the text of a smaps_rollup; `None` where a line is missing. Anonymous pages that are
/// clean are so rare (swapped in, and not touched since) that all clean ones count as a file's.
fn parse_files(text: &str) -> Option<FilePages> {
    Some(FilePages {
        pss_bytes: kilobytes(text, "Pss_File:")?,
        private_bytes: kilobytes(text, "Private_Clean:")?,
    })
}

/// Page tables in bytes and number of tasks, from the text of a status file.
fn parse_status(text: &str) -> Result<(u64, u64), &'static str> {
    let tables = kilobytes(text, "VmPTE:").ok_or("VmPTE")?;
    let tasks = text
        .lines()
        .find_map(|line| line.strip_prefix("Threads:"))
        .and_then(|rest| rest.trim().parse().ok())
        .ok_or("Threads")?;
    Ok((tables, tasks))
}

/// The sum of the lines `name: … kB`, bytes; `None` where there is none.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let mut sum = None;
    for rest in text.lines().filter_map(|line| line.strip_prefix(name)) {
        let number: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
        sum = Some(sum.unwrap_or(0) + number.checked_mul(1024)?);
    }
    sum
}

/// What a reader must know where this process cannot read its own memory.
#[must_use]
pub fn unknown() -> Option<String> {
    let refused = MemoryReader::new().read(&[Pid::this()]).err()?;
    Some(format!(
        "memory is unknown, and everything else is measured: {refused}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    const ROLLUP: &str = "558bac001000-7fff8f22f000 ---p 00000000 00:00 0    [rollup]\n\
        Rss:                1664 kB\nPss:                 422 kB\nPss_Dirty:           116 kB\n\
        Pss_Anon:            116 kB\nShared_Clean:       1504 kB\nShared_Dirty:          0 kB\n\
        Private_Clean:        44 kB\nPrivate_Dirty:       116 kB\nPrivate_Hugetlb:       2048 kB\n";

    #[test]
    fn pss_and_uss_are_read_in_bytes_without_hugetlb() {
        assert_eq!(parse_maps(ROLLUP), Ok((422 * 1024, 160 * 1024)));
    }

    #[test]
    fn pages_that_a_stranger_shares_are_exchanged_for_what_they_were_without() {
        assert_eq!(parse_files(ROLLUP), None);
        let text = format!("{ROLLUP}Pss_File:             300 kB\n");
        let now = parse_files(&text).unwrap();
        assert_eq!((now.pss_bytes, now.private_bytes), (300 << 10, 44 << 10));
        let alone = FilePages {
            pss_bytes: 500 << 10,
            private_bytes: 64 << 10,
        };
        let memory = Memory {
            pss_bytes: 422 << 10,
            uss_bytes: 160 << 10,
            page_table_bytes: 48 << 10,
            total_bytes: 470 << 10,
            ..Memory::default()
        };
        let told = now.exchanged(alone, memory);
        assert_eq!(told.pss_bytes, 622 << 10);
        assert_eq!(told.uss_bytes, 180 << 10);
        assert_eq!(told.total_bytes, 670 << 10);
        assert_eq!(told.page_table_bytes, memory.page_table_bytes);
    }

    #[test]
    fn a_missing_line_is_named() {
        assert_eq!(parse_maps(""), Err("Pss"));
        assert_eq!(
            parse_maps("Pss: 1 kB\nPrivate_Clean: 1 kB\n"),
            Err("Private_Dirty")
        );
        assert_eq!(parse_maps("Pss: many kB\n"), Err("Pss"));
        assert_eq!(parse_status("Name:\tx\nThreads:\t3\n"), Err("VmPTE"));
        assert_eq!(parse_status("VmPTE:\t      48 kB\n"), Err("Threads"));
    }

    #[test]
    fn mappings_add_up_to_what_the_kernel_sums_up() {
        let [first, second] = [
            "Pss: 3 kB\nPrivate_Clean: 1 kB\nPrivate_Dirty: 0 kB\n",
            ROLLUP,
        ];
        let both = format!("{first}{second}");
        assert_eq!(parse_maps(&both), Ok((425 * 1024, 161 * 1024)));
        let own = fs::read_to_string("/proc/self/smaps").unwrap();
        let (pss, uss) = parse_maps(&own).unwrap();
        // Other tests of this process allocate meanwhile.
        let told = MemoryReader::new().read(&[Pid::this()]).unwrap();
        for (summed, told) in [(pss, told.pss_bytes), (uss, told.uss_bytes)] {
            let ratio = summed as f64 / told as f64;
            assert!((0.25..4.0).contains(&ratio), "{summed} and {told}");
        }
    }

    #[test]
    fn page_tables_and_tasks_come_from_the_status() {
        let status = "Name:\tx\nVmPeak:\t 9 kB\nVmPTE:\t      48 kB\nThreads:\t33\n";
        assert_eq!(parse_status(status), Ok((48 * 1024, 33)));
    }

    #[test]
    fn a_touched_block_shows_in_pss() {
        let mut reader = MemoryReader::new();
        let before = reader.read(&[Pid::this()]).unwrap();
        let block = vec![1_u8; 64 << 20];
        let after = reader.read(&[Pid::this()]).unwrap();
        assert!(block.iter().all(|&byte| byte == 1));
        let grown = after.pss_bytes as f64 - before.pss_bytes as f64;
        // Other tests of this process allocate too: a wide band around 64 MiB.
        assert!(grown > 48e6 && grown < 128e6, "{grown}");
        assert!(after.uss_bytes <= after.pss_bytes);
        assert!(after.tasks >= 1);
        assert_eq!(after.kernel_stack_bytes, after.tasks * 16_384);
        assert_eq!(
            after.total_bytes,
            after.pss_bytes + after.page_table_bytes + after.kernel_stack_bytes
        );
    }

    #[test]
    fn an_ended_process_is_named_whether_reaped_or_not() {
        let mut child = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
        let pid = Pid::from_raw(child.id() as i32);
        let mut reader = MemoryReader::new();
        // Not reaped yet, perhaps still running: only the ending matters.
        let zombie = loop {
            match reader.read(&[pid]) {
                Ok(_) => std::thread::yield_now(),
                Err(error) => break error,
            }
        };
        assert!(matches!(zombie, MemoryError::Vanished { .. }), "{zombie}");
        child.wait().unwrap();
        let gone = reader.read(&[Pid::this(), pid]).unwrap_err();
        assert!(
            gone.to_string().contains(&format!("/proc/{pid}/")),
            "{gone}"
        );
    }
}
