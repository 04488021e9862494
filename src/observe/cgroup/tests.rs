//! Tests: what does the control group of this process allow, and did it throttle?

use super::*;
use tempfile::TempDir;

/// A tree below a temporary directory from (path, text) pairs.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

const V2_MOUNT: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";

#[test]
fn version_2_takes_the_tightest_of_nested_limits() {
    let root = tree(&[
        ("proc/self/cgroup", "0::/a/b\n"),
        ("proc/self/mountinfo", V2_MOUNT),
        ("sys/fs/cgroup/a/cpu.max", "150000 100000\n"),
        ("sys/fs/cgroup/a/memory.max", "1000000\n"),
        ("sys/fs/cgroup/a/pids.max", "100\n"),
        ("sys/fs/cgroup/a/pids.current", "90\n"),
        (
            "sys/fs/cgroup/a/cpu.stat",
            "usage_usec 1\nnr_throttled 2\nthrottled_usec 30\n",
        ),
        ("sys/fs/cgroup/a/b/cpu.max", "max 100000\n"),
        ("sys/fs/cgroup/a/b/memory.max", "max\n"),
        ("sys/fs/cgroup/a/b/pids.max", "64\n"),
        ("sys/fs/cgroup/a/b/pids.current", "3\n"),
        (
            "sys/fs/cgroup/a/b/cpu.stat",
            "usage_usec 1\nnr_throttled 1\nthrottled_usec 5\n",
        ),
    ]);
    let group = Cgroup::find(root.path());
    assert_eq!(group.quota_cpus(), Some(1.5));
    assert_eq!(group.memory_limit_bytes(), Some(1_000_000));
    assert_eq!(group.memory_free_bytes(), Some(1_000_000));
    // Ten tasks are left above, sixty-one here.
    assert_eq!(
        group.pids(),
        Some(Pids {
            max: 100,
            current: 90
        })
    );
    assert_eq!(
        group.throttle(),
        Some(Throttle {
            times: 3,
            ns: 35_000
        })
    );
}

#[test]
fn version_1_has_a_tree_per_controller_and_its_own_no_limit() {
    let root = tree(&[
        (
            "proc/self/cgroup",
            "4:memory:/job\n2:cpu,cpuacct:/job\n1:pids:/\n0::/\n",
        ),
        (
            "proc/self/mountinfo",
            "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
             35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
             39 31 0:36 / /sys/fs/cgroup/pids rw shared:9 - cgroup cgroup rw,pids\n\
             41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
        ),
        ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
        ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        ("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "50000\n"),
        (
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us",
            "100000\n",
        ),
        (
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.stat",
            "nr_periods 9\nnr_throttled 4\nthrottled_time 77\n",
        ),
        (
            "sys/fs/cgroup/memory/memory.limit_in_bytes",
            "9223372036854771712\n",
        ),
        ("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "4096\n"),
        ("sys/fs/cgroup/pids/pids.current", "7\n"),
    ]);
    let group = Cgroup::find(root.path());
    assert_eq!(group.quota_cpus(), Some(0.5));
    assert_eq!(group.memory_limit_bytes(), Some(4096));
    assert_eq!(group.pids(), None);
    assert_eq!(group.throttle(), Some(Throttle { times: 4, ns: 77 }));
}

#[test]
fn a_quota_above_binds_in_both_versions() {
    let v1 = [
        ("proc/self/cgroup", "2:cpu,cpuacct:/a/b/c\n"),
        (
            "proc/self/mountinfo",
            "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n",
        ),
        ("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "75000\n"),
        ("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "50000\n"),
        ("sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n"),
        ("sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n"),
        ("sys/fs/cgroup/cpu/a/b/c/cpu.cfs_quota_us", "400000\n"),
        ("sys/fs/cgroup/cpu/a/b/c/cpu.cfs_period_us", "100000\n"),
    ];
    let v2 = [
        ("proc/self/cgroup", "0::/a/b/c\n"),
        ("proc/self/mountinfo", V2_MOUNT),
        ("sys/fs/cgroup/a/cpu.max", "75000 50000\n"),
        ("sys/fs/cgroup/a/b/cpu.max", "max 100000\n"),
        ("sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n"),
    ];
    for files in [&v1[..], &v2] {
        assert_eq!(Cgroup::find(tree(files).path()).quota_cpus(), Some(1.5));
    }
}

#[test]
fn a_container_sees_its_group_as_the_root_of_the_mount() {
    let root = tree(&[
        ("proc/self/cgroup", "0::/docker/abc\n"),
        (
            "proc/self/mountinfo",
            "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
        ),
        ("sys/fs/cgroup/cpu.max", "200000 100000\n"),
    ]);
    assert_eq!(Cgroup::find(root.path()).quota_cpus(), Some(2.0));
}

#[test]
fn a_path_outside_the_mount_leaves_the_mount_point() {
    for path in ["/elsewhere/not/mounted", "/../../above"] {
        let root = tree(&[
            ("proc/self/cgroup", &format!("0::{path}\n")),
            ("proc/self/mountinfo", V2_MOUNT),
            ("sys/fs/cgroup/cpu.max", "100000 100000\n"),
        ]);
        assert_eq!(Cgroup::find(root.path()).quota_cpus(), Some(1.0));
    }
}

#[test]
fn without_control_groups_nothing_is_known() {
    let empty = Cgroup::find(tree(&[]).path());
    assert_eq!(empty, Cgroup::default());
    assert_eq!(empty.quota_cpus(), None);
    assert_eq!(empty.throttle(), None);
    let unlimited = tree(&[
        ("proc/self/cgroup", "0::/\n"),
        ("proc/self/mountinfo", V2_MOUNT),
        ("sys/fs/cgroup/cpu.max", "max 100000\n"),
        ("sys/fs/cgroup/memory.max", "max\n"),
        ("sys/fs/cgroup/pids.max", "max\n"),
    ]);
    let unlimited = Cgroup::find(unlimited.path());
    assert_eq!(unlimited.quota_cpus(), None);
    assert_eq!(unlimited.memory_limit_bytes(), None);
    assert_eq!(unlimited.pids(), None);
}

#[test]
fn throttling_is_counted_from_a_reading() {
    let (later, earlier) = (Throttle { times: 5, ns: 9 }, Throttle { times: 3, ns: 4 });
    assert_eq!(later.since(earlier), Throttle { times: 2, ns: 5 });
}

#[test]
fn what_a_limit_leaves_free_is_the_least_on_the_way_up_and_files_can_go() {
    let root = tree(&[
        ("proc/self/cgroup", "0::/a/b\n"),
        (
            "proc/self/mountinfo",
            "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
        ),
        // The smaller limit leaves more.
        ("sys/fs/cgroup/a/memory.max", "1000\n"),
        ("sys/fs/cgroup/a/memory.current", "950\n"),
        (
            "sys/fs/cgroup/a/memory.stat",
            "anon 1\ninactive_file 50\nactive_file 7\n",
        ),
        ("sys/fs/cgroup/a/b/memory.max", "900\n"),
        ("sys/fs/cgroup/a/b/memory.current", "300\n"),
        (
            "sys/fs/cgroup/a/b/memory.events",
            "oom 7\noom_kill 2\noom_group_kill 0\n",
        ),
    ]);
    let group = Cgroup::find(root.path());
    assert_eq!(group.memory_limit_bytes(), Some(900));
    assert_eq!(group.memory_free_bytes(), Some(100));
    assert_eq!(group.oom_kills(), Some(2));
    assert_eq!(group.out_of_memory_since(Some(2)), None);
    assert_eq!(group.out_of_memory_since(None), None);
    let why = group.out_of_memory_since(Some(1)).unwrap();
    assert!(
        why.starts_with("the control group ran out of memory"),
        "{why}"
    );
    // Version 1, where the group is not the whole of what counts.
    let root = tree(&[
        ("proc/self/cgroup", "4:memory:/job\n"),
        (
            "proc/self/mountinfo",
            "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
        ),
        ("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "4096\n"),
        ("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "4000\n"),
        (
            "sys/fs/cgroup/memory/job/memory.stat",
            "inactive_file 1\ntotal_inactive_file 1000\n",
        ),
        (
            "sys/fs/cgroup/memory/job/memory.oom_control",
            "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n",
        ),
    ]);
    let group = Cgroup::find(root.path());
    assert_eq!(group.memory_free_bytes(), Some(1096));
    assert_eq!(group.oom_kills(), Some(5));
}
