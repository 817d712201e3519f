//! Path patterns of the allow-lists.

/// Whether `path` fits `pattern`: `*` stands for any characters of one component, once per component,
/// `**` for any number of components. A path that climbs fits nothing, since it does not say where it
/// ends.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let components: Vec<&str> = path.split('/').collect();
    let patterns: Vec<&str> = pattern.split('/').collect();
    !components.contains(&"..") && fits(&patterns, &components)
}

fn fits(patterns: &[&str], components: &[&str]) -> bool {
    match patterns.split_first() {
        None => components.is_empty(),
        Some((&"**", rest)) => (0..=components.len()).any(|at| fits(rest, &components[at..])),
        Some((pattern, rest)) => components
            .split_first()
            .is_some_and(|(first, others)| component(pattern, first) && fits(rest, others)),
    }
}

fn component(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stay_in_their_component_and_double_stars_do_not() {
        assert!(matches("/proc/*/stat", "/proc/17/stat"));
        assert!(!matches("/proc/*/stat", "/proc/17/task/17/stat"));
        assert!(matches("/sys/fs/cgroup/**", "/sys/fs/cgroup"));
        assert!(matches("/sys/fs/cgroup/**/memory.*", "/sys/fs/cgroup/a/b/memory.max"));
        assert!(matches("**/iptables", "/opt/x/iptables"));
        assert!(!matches("/etc/docker/daemon.json", "/etc/docker/daemon.json.bak"));
    }

    #[test]
    fn a_path_that_climbs_fits_nothing() {
        assert!(!matches("/sys/**", "/sys/fs/../../etc/shadow"));
    }
}
