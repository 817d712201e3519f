//! Programs on the PATH that a daemon has.

use dind_doctor_checks::facts::{Engines, Fact, Missing, Text, Why};

use super::Reader;
use crate::source::Access;

/// What Docker's images, systemd and login shells agree on.
const DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The PATH of a dockerd that runs here, else the doctor's own, else the usual one. In another mount namespace
/// the same names are other programs; of whose namespace may not be known, the environment may not be read either.
pub(super) fn of_daemon(reader: &Reader, engines: &Engines) -> String {
    let own = |pid| reader.variables(pid, &["PATH"]).ok().and_then(|mut v| v.remove("PATH"));
    engines
        .here("dockerd")
        .find_map(|daemon| own(Some(daemon.pid)))
        .or_else(|| own(None))
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| DEFAULT.to_owned())
}

/// The first executable of this name; `None` if there is none. As `execvp(3)`, it goes on behind what may not be
/// looked at, and what it does not find then may be there; whatever else fails ends the search.
pub(super) fn find(reader: &Reader, path: &str, name: &str) -> Fact<Option<Text>> {
    let mut closed = None;
    for directory in path.split(':').filter(|d| d.starts_with('/')) {
        let candidate = format!("{}/{name}", directory.trim_end_matches('/'));
        match reader.stat(&candidate) {
            Ok(stat) if stat.mode & 0o170_000 == 0o100_000 => {
                match reader.access(&candidate, Access::Execute) {
                    Fact::Known(true) => return Fact::Known(Some(candidate.into())),
                    Fact::Known(false) => {}
                    Fact::Missing(missing) => return Fact::Missing(missing),
                }
            }
            Ok(_) | Err(Missing { why: Why::NotFound, .. }) => {}
            Err(missing) if missing.why == Why::NotPermitted => {
                closed.get_or_insert(missing);
            }
            Err(missing) => return Fact::Missing(closed.unwrap_or(missing)),
        }
    }
    closed.map_or(Fact::Known(None), Fact::Missing)
}
