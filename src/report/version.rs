//! Which doctor this is.

/// The version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that was built, where that was known: 40 hexadecimal digits.
pub const COMMIT: Option<&str> = option_env!("DOCTOR_COMMIT");

/// `0.1.0`, or `0.1.0 (2515610ab34c)`.
pub fn long() -> String {
    match COMMIT.map(|commit| commit.get(..12).unwrap_or(commit)) {
        Some(commit) => format!("{VERSION} ({commit})"),
        None => VERSION.to_owned(),
    }
}
