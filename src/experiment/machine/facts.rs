//! What do /proc and /sys say about the hardware?
//!
//! Every function takes the directory that stands for `/`; `None` means that nothing was found.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// The trimmed text of a file that is not empty.
fn text(root: &Path, path: &str) -> Option<String> {
    let text = fs::read_to_string(root.join(path)).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Numbers from a file with a list like `0-3,8`.
pub(super) fn cpu_list(root: &Path, path: &str) -> Option<Vec<usize>> {
    parse_list(&text(root, path)?)
}

/// `0-3,8` → 0 1 2 3 8. `None` for an empty or malformed list.
fn parse_list(list: &str) -> Option<Vec<usize>> {
    let mut numbers: Vec<usize> = Vec::new();
    for part in list.split(',') {
        match part.split_once('-') {
            Some((first, last)) => {
                let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
                numbers.extend(first..=last);
            }
            None => numbers.push(part.parse().ok()?),
        }
    }
    (!numbers.is_empty()).then_some(numbers)
}

/// Scaling governor of these CPUs; several are joined by a comma.
pub(super) fn governor(root: &Path, cpus: &[usize]) -> Option<String> {
    let found: BTreeSet<String> = cpus
        .iter()
        .filter_map(|cpu| {
            let path = format!("sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
            text(root, &path)
        })
        .collect();
    (!found.is_empty()).then(|| Vec::from_iter(found).join(","))
}

/// Whether frequency boost is on.
pub(super) fn turbo(root: &Path) -> Option<bool> {
    let flag = |path| match text(root, path)?.as_str() {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    };
    // Intel's driver has the flag the other way round.
    flag("sys/devices/system/cpu/intel_pstate/no_turbo")
        .map(|is_off| !is_off)
        .or_else(|| flag("sys/devices/system/cpu/cpufreq/boost"))
}

/// The kernel's clock source.
pub(super) fn clock_source(root: &Path) -> Option<String> {
    text(
        root,
        "sys/devices/system/clocksource/clocksource0/current_clocksource",
    )
}

/// Transparent huge pages: the word in brackets.
pub(super) fn transparent_huge_pages(root: &Path) -> Option<String> {
    let modes = text(root, "sys/kernel/mm/transparent_hugepage/enabled")?;
    let (_, rest) = modes.split_once('[')?;
    Some(rest.split_once(']')?.0.to_owned())
}

/// Of these variables those that change how a program allocates, is loaded or starts threads. An empty one
/// changes nothing.
pub(super) fn environment(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> BTreeMap<String, String> {
    const NAMES: [&str; 3] = ["GLIBC_TUNABLES", "RUST_MIN_STACK", "_RJEM_MALLOC_CONF"];
    const KIN: [&str; 8] = [
        "MALLOC_",
        "MIMALLOC_",
        "TCMALLOC_",
        "LD_",
        "RAYON_",
        "OMP_",
        "GOMP_",
        "KMP_",
    ];
    variables
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| [name, value].map(|t| t.to_string_lossy().into_owned()))
        .filter(|[name, _]| {
            NAMES.contains(&name.as_str()) || KIN.iter().any(|kin| name.starts_with(kin))
        })
        .map(|[name, value]| (name, value))
        .collect()
}

/// Container and hypervisor, as far as they show: `container (docker) in a virtual machine (KVM)`.
pub(super) fn virtualization(root: &Path) -> Option<String> {
    match (container(root), virtual_machine(root)) {
        (Some(container), Some(machine)) => Some(format!("{container} in a {machine}")),
        (container, machine) => container.or(machine),
    }
}

fn container(root: &Path) -> Option<String> {
    // Files that container engines leave, and the variable that systemd's convention asks for.
    let by_file = [(".dockerenv", "docker"), ("run/.containerenv", "podman")];
    if let Some((_, engine)) = by_file.iter().find(|(file, _)| root.join(file).exists()) {
        return Some(format!("container ({engine})"));
    }
    let environment = fs::read(root.join("proc/1/environ")).ok()?;
    environment
        .split(|&byte| byte == 0)
        .find_map(|entry| entry.strip_prefix(b"container="))
        .map(|engine| format!("container ({})", String::from_utf8_lossy(engine)))
}

fn virtual_machine(root: &Path) -> Option<String> {
    let has_flag = text(root, "proc/cpuinfo").is_some_and(|cpus| {
        cpus.lines()
            .find(|line| line.starts_with("flags"))
            .is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"))
    });
    // Real machines have a vendor too: only names that are given to guests count as a hint.
    const GUESTS: [&str; 11] = [
        "KVM",
        "QEMU",
        "VMware",
        "VirtualBox",
        "Xen",
        "Bochs",
        "Parallels",
        "Amazon EC2",
        "Google Compute Engine",
        "Virtual Machine",
        "OpenStack",
    ];
    let dmi = ["sys_vendor", "product_name"]
        .map(|name| text(root, &format!("sys/class/dmi/id/{name}")).unwrap_or_default());
    let name = GUESTS
        .iter()
        .find(|guest| dmi.iter().any(|text| text.contains(*guest)))
        .map(|guest| (*guest).to_owned())
        .or_else(|| text(root, "sys/hypervisor/type"));
    match (has_flag, name) {
        // Metal instances of a cloud carry its vendor name without being guests: on x86 the flag
        // decides, where cpuinfo has flags at all.
        (true, Some(name)) => Some(format!("virtual machine ({name})")),
        (true, None) => Some("virtual machine".to_owned()),
        (false, Some(name)) if cfg!(not(target_arch = "x86_64")) => {
            Some(format!("virtual machine ({name})"))
        }
        (false, _) => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A tree below a temporary directory from (path, text) pairs.
    pub(crate) fn tree(files: &[(&str, &str)]) -> TempDir {
        let root = TempDir::new().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn lists_of_cpus_are_read() {
        assert_eq!(parse_list("0-3,8,10-11"), Some(vec![0, 1, 2, 3, 8, 10, 11]));
        assert_eq!(parse_list("0"), Some(vec![0]));
        assert_eq!(parse_list(""), None);
        assert_eq!(parse_list("0-x"), None);
    }

    #[test]
    fn governors_of_allowed_cpus_only_are_read() {
        let root = tree(&[
            (
                "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
                "performance\n",
            ),
            (
                "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor",
                "powersave\n",
            ),
        ]);
        assert_eq!(governor(root.path(), &[0]).as_deref(), Some("performance"));
        assert_eq!(
            governor(root.path(), &[0, 1]).as_deref(),
            Some("performance,powersave")
        );
        assert_eq!(governor(root.path(), &[7]), None);
    }

    #[test]
    fn turbo_is_read_from_either_driver() {
        let intel = tree(&[("sys/devices/system/cpu/intel_pstate/no_turbo", "0\n")]);
        let other = tree(&[("sys/devices/system/cpu/cpufreq/boost", "0\n")]);
        assert_eq!(turbo(intel.path()), Some(true));
        assert_eq!(turbo(other.path()), Some(false));
        assert_eq!(turbo(tree(&[]).path()), None);
    }

    #[test]
    fn of_the_environment_only_what_moves_memory_loading_and_threads_is_kept() {
        let variables = [
            ("GLIBC_TUNABLES", "glibc.malloc.arena_max=1"),
            ("LD_PRELOAD", ""),
            ("LD_LIBRARY_PATH", "/opt/lib"),
            ("MALLOC_ARENA_MAX", "1"),
            ("OLD_TOKEN", "secret"),
            ("RUST_MIN_STACK", "1048576"),
            ("TOKEN", "secret"),
        ];
        let kept = environment(variables.map(|(n, v)| (n.into(), v.into())).into_iter());
        let names: Vec<&str> = kept.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "GLIBC_TUNABLES",
                "LD_LIBRARY_PATH",
                "MALLOC_ARENA_MAX",
                "RUST_MIN_STACK"
            ]
        );
        assert_eq!(kept["MALLOC_ARENA_MAX"], "1");
    }

    #[test]
    fn the_huge_page_mode_is_the_one_in_brackets() {
        let path = "sys/kernel/mm/transparent_hugepage/enabled";
        let root = tree(&[(path, "always [madvise] never\n")]);
        assert_eq!(
            transparent_huge_pages(root.path()).as_deref(),
            Some("madvise")
        );
        let root = tree(&[(path, "\n")]);
        assert_eq!(transparent_huge_pages(root.path()), None);
    }

    #[test]
    fn container_and_hypervisor_are_told_apart() {
        let flags = (
            "proc/cpuinfo",
            "processor : 0\nflags\t\t: fpu tsc hypervisor\n",
        );
        let guest = tree(&[flags, ("sys/class/dmi/id/sys_vendor", "QEMU\n")]);
        assert_eq!(
            virtualization(guest.path()).as_deref(),
            Some("virtual machine (QEMU)")
        );
        let both = tree(&[flags, (".dockerenv", "")]);
        assert_eq!(
            virtualization(both.path()).as_deref(),
            Some("container (docker) in a virtual machine")
        );
        let named = tree(&[("proc/1/environ", "PATH=/bin\0container=lxc\0")]);
        assert_eq!(
            virtualization(named.path()).as_deref(),
            Some("container (lxc)")
        );
        let metal = tree(&[("proc/cpuinfo", "flags : fpu tsc\n")]);
        assert_eq!(virtualization(metal.path()), None);
    }
}
