//! What the kernel guarantees: there, "does not exist", "no such call" and "empty" are failures, too.

/// A file that every Linux has, and why.
pub(crate) const FILES: [(&str, &str); 11] = [
    ("/proc/self/mountinfo", "since 2.6.26; a process has a root mount at least"),
    ("/proc/self/status", "a process has ids, signals and capabilities"),
    ("/proc/self/limits", "since 2.6.24; every limit has a line"),
    ("/proc/self/ns/mnt", "since 3.8; never configured out"),
    ("/proc/1/status", "a PID namespace without a PID 1 has no other process"),
    ("/proc/1/stat", "the same"),
    ("/proc/filesystems", "proc itself is in it"),
    ("/proc/meminfo", "never configured out"),
    ("/proc/cpuinfo", "never configured out"),
    ("/proc/version", "never configured out; only subset=pid hides it"),
    ("/proc/sys/kernel/osrelease", "sysctls are configured out on no machine that runs containers"),
];

/// Directories under which nothing may seem to be absent because all of it is hidden: a container without the
/// filesystem, or with a tmpfs over it.
pub(crate) const DIRECTORIES: [&str; 3] = ["/proc", "/proc/sys", "/sys"];
