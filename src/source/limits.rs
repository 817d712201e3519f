//! How much of one thing a source gives.
//!
//! Whoever asks says what is wanted and not how much of it, so that no recording is bound to the limits of the doctor
//! that made it.

/// Bytes that a file may have.
const FILE: u32 = 256 * 1024;

/// Files of the kernel that grow with the machine. The first has a row for each mount: some 200 bytes, and 40,000 are
/// a number that was seen.
const LARGE: [(&str, u32); 4] = [
    ("/proc/self/mountinfo", 16 * 1024 * 1024),
    ("/proc/net/unix", 4 * 1024 * 1024),
    ("/proc/cpuinfo", 4 * 1024 * 1024),
    ("/proc/config.gz", 1024 * 1024),
];

/// Names that are listed of a directory; of those of `/proc` as many as a kernel can have processes
/// (`PID_MAX_LIMIT`), and its files.
const NAMES: u32 = 4096;
const PROCESSES: u32 = 4_194_304 + 1024;

/// The limits of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    file: u32,
    names: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file: FILE, names: NAMES }
    }
}

impl Limits {
    /// With this for files and directories that have no limit of their own.
    pub const fn new(file: u32, names: u32) -> Self {
        Self { file, names }
    }

    /// For files of at most so many bytes.
    pub const fn of_files(bytes: u32) -> Self {
        Self { file: bytes, names: NAMES }
    }

    /// Bytes that this file may have; more is refused as too large.
    pub fn bytes(self, path: &str) -> u32 {
        let own = LARGE.iter().find(|(large, _)| *large == path);
        own.map_or(self.file, |(_, bytes)| *bytes)
    }

    /// How many names of this directory are listed.
    pub fn names(self, path: &str) -> u32 {
        if path == "/proc" { PROCESSES } else { self.names }
    }
}
