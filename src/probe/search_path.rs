//! Programs on the PATH that a daemon has.

use dind_doctor_checks::facts::{Engines, Fact, Missing, Text, Why};

use super::Reader;
use crate::source::Access;

/// What Docker's images, systemd and login shells agree on.
const DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The PATH of a dockerd that runs here, else the doctor's own, else the usual one. In another mount namespace
/// the same names are other programs.
pub(super) fn of_daemon(reader: &Reader, engines: &Engines) -> String {
    let own = |pid| reader.variables(pid, &["PATH"]).ok().and_then(|mut v| v.remove("PATH"));
    engines
        .named("dockerd")
        .filter(|daemon| daemon.same_mount_namespace == Some(true))
        .find_map(|daemon| own(Some(daemon.pid)))
        .or_else(|| own(None))
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| DEFAULT.to_owned())
}

/// The first executable of this name; `None` if there is none. Only what cannot be looked at makes it
/// unknown.
pub(super) fn find(reader: &Reader, path: &str, name: &str) -> Fact<Option<Text>> {
    for directory in path.split(':').filter(|d| d.starts_with('/')) {
        let candidate = format!("{}/{name}", directory.trim_end_matches('/'));
        match reader.stat(&candidate) {
            Ok(stat) if stat.mode & 0o170_000 == 0o100_000 => {
                if reader.access(&candidate, Access::Execute) == Fact::Known(true) {
                    return Fact::Known(Some(candidate.into()));
                }
            }
            Ok(_) | Err(Missing { why: Why::NotFound | Why::NotPermitted, .. }) => {}
            Err(missing) => return Fact::Missing(missing),
        }
    }
    Fact::Known(None)
}
