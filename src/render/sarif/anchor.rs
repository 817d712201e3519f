//! The file that results are shown at.

use std::fmt::Write;

/// A file of the repository, as a relative URI.
///
/// What is wrong with an environment is in no file, and GitHub refuses results without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor(String);

impl Anchor {
    /// The anchor where nothing better is known: what nearly every repository has.
    pub const FALLBACK: &'static str = "README.md";

    /// `path`, relative to the root of the repository, with slashes.
    pub fn new(path: &str) -> Result<Self, String> {
        let path = path.strip_prefix("./").unwrap_or(path);
        let segments = || path.split('/');
        if path.contains("://") || segments().any(|segment| matches!(segment, "" | "." | "..")) {
            return Err("a file of the repository, relative to its root".to_owned());
        }
        let mut uri = String::with_capacity(path.len());
        for byte in path.bytes() {
            match byte {
                b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
                _ if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
                _ => {
                    // Writing to a String cannot fail.
                    let _ = write!(uri, "%{byte:02X}");
                }
            }
        }
        Ok(Self(uri))
    }

    /// The workflow that runs, from GitHub's `GITHUB_WORKFLOW_REF`
    /// (`owner/name/.github/workflows/ci.yml@refs/heads/main`), if it is one of `repository`
    /// (`owner/name`): there the container is described in which this was found.
    pub fn of_workflow(reference: &str, repository: &str) -> Option<Self> {
        let path = reference.strip_prefix(repository)?.strip_prefix('/')?;
        let (path, _) = path.split_once('@')?;
        path.starts_with(".github/workflows/").then(|| Self::new(path).ok()).flatten()
    }

    /// The URI.
    pub fn uri(&self) -> &str {
        &self.0
    }
}

impl Default for Anchor {
    fn default() -> Self {
        Self(Self::FALLBACK.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_a_file_of_the_repository() {
        let uri = |path| Anchor::new(path).map(|anchor| anchor.0);
        assert_eq!(uri("./ci/Dockerfile"), Ok("ci/Dockerfile".to_owned()));
        assert_eq!(uri("größe #1?%.yml"), Ok("gr%C3%B6%C3%9Fe%20%231%3F%25.yml".to_owned()));
        for path in ["", "/etc/passwd", "https://example.org/a", "../a", "a//b", "a/", "a/./b"] {
            assert!(uri(path).is_err(), "{path}");
        }
        assert_eq!(uri(Anchor::FALLBACK), Ok(Anchor::default().0));
    }

    #[test]
    fn on_github_it_is_the_workflow_that_runs() {
        let of = |reference| Anchor::of_workflow(reference, "o/n").map(|anchor| anchor.0);
        let path = ".github/workflows/ci.yml";
        assert_eq!(of("o/n/.github/workflows/ci.yml@refs/heads/a@b").as_deref(), Some(path));
        assert_eq!(of("other/n/.github/workflows/ci.yml@refs/heads/main"), None);
        assert_eq!(of("o/n/../../x@y"), None);
        assert_eq!(of(""), None);
    }
}
