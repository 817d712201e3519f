//! Quoting of values in commands.

use alloc::string::String;

/// `value` as one word of a POSIX shell. A NUL, which no argument can hold, is dropped.
pub fn quote(value: &str) -> String {
    let without_nul: String = value.chars().filter(|c| *c != '\0').collect();
    shlex::try_quote(&without_nul).map(alloc::borrow::Cow::into_owned).unwrap_or_default()
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
}
