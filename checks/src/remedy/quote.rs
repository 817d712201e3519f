//! Quoting of values in commands.

use alloc::string::String;

/// `value` as one word of a POSIX shell. A NUL, which no argument can hold, is dropped.
pub fn quote(value: &str) -> String {
    let without_nul: String = value.chars().filter(|c| *c != '\0').collect();
    shlex::try_quote(&without_nul).map(alloc::borrow::Cow::into_owned).unwrap_or_default()
}

/// `value` as one word, quoted only if the shell would read anything in it: `key=a,b` stays as people write it.
pub(super) fn word(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.,:/=+@".contains(&b);
    if !value.is_empty() && value.bytes().all(plain) { value.into() } else { quote(value) }
}

/// An argument of a command as one word: of `--name=value` only the value is quoted, where it needs to be,
/// as people write it.
pub(super) fn argument(argument: &str) -> String {
    let plain =
        |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    match argument.split_once('=') {
        Some((name, "")) if plain(name) => alloc::format!("{name}="),
        Some((name, value)) if plain(name) => alloc::format!("{name}={}", quote(value)),
        _ => quote(argument),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_syntax_becomes_one_word() {
        assert_eq!(quote("/kubepods/pod1"), "/kubepods/pod1");
        assert_eq!(quote("a b; rm -rf $(x)"), "'a b; rm -rf $(x)'");
        assert_eq!(quote("a\0b"), "ab");
        assert_eq!(quote(""), "''");
    }
    #[test]
    fn of_an_option_only_the_value_is_quoted() {
        assert_eq!(argument("--mtu=1400"), "--mtu=1400");
        assert_eq!(argument("--cgroup-parent=/a b"), "--cgroup-parent='/a b'");
        assert_eq!(argument("A="), "A=");
        assert_eq!(argument("A;B=c"), "'A;B=c'");
        assert_eq!(argument("-v"), "-v");
    }
}
