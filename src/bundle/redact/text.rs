//! Pseudonyms in running text: paths, labels, options, values.
//!
//! Everything here depends only on what stands next to it. So a path that a probe puts together from a
//! directory and a name gets the pseudonym that is put together from theirs, and a replay finds it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Kind, pseudonyms::Pseudonyms};

/// Schemes that are followed by a path of this machine.
const LOCAL_SCHEMES: &[&str] = &["unix", "unixgram", "npipe", "fd", "file"];

/// What a component after this is.
const PLACES: &[(&str, Kind)] = &[
    ("/home/", Kind::UserName),
    ("/Users/", Kind::UserName),
    ("/sys/class/net/", Kind::InterfaceName),
    ("/devices/virtual/net/", Kind::InterfaceName),
    ("/net/ipv4/conf/", Kind::InterfaceName),
    ("/net/ipv6/conf/", Kind::InterfaceName),
    ("/net/ipv4/neigh/", Kind::InterfaceName),
    ("/net/ipv6/neigh/", Kind::InterfaceName),
];

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '<' | '>' | '\0')
}

impl Pseudonyms {
    /// A text with everything in it replaced that has a pseudonym.
    pub(super) fn text(&self, text: &str) -> String {
        // What an earlier one leaves must be as it should for it when a later one has been: no other
        // order has that, and without it redacting twice would change something.
        let text = self.credentials(text);
        let text = self.places(&text);
        let text = self.urls(&text);
        let text = self.known_names(&text);
        let text = self.ids(&text);
        self.addresses(&text)
    }

    /// `scheme://user:password@host:port/path?query` loses user, password, path and query.
    fn urls(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        // Where the word ends that a password can reach into, and where its last `@` does: one word can
        // hold many URLs, and is gone through once for all of them.
        let (mut word, mut password) = (0, 0);
        while let Some(at) = rest.find("://") {
            let (before, after) = (&rest[..at], &rest[at + 3..]);
            out.push_str(before);
            out.push_str("://");
            let scheme = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
            rest = after;
            if scheme.is_none_or(|scheme| scheme.is_empty() || LOCAL_SCHEMES.contains(&scheme)) {
                continue;
            }
            let start = text.len() - after.len();
            if start > word {
                // A password may hold a comma; white space and quotes end it in any case.
                let end = after.find(|c| c != ',' && ends_word(c)).unwrap_or(after.len());
                word = start + end;
                password = after[..end].rfind('@').map_or(0, |at| start + at + 1);
            }
            let host = password.saturating_sub(start);
            if host > 0 && after[..host] != *"redacted@" {
                self.dropped(Kind::Credential);
            }
            let end = after[host..].find(ends_word).map_or(after.len(), |at| host + at);
            out.push_str(&self.authority(&after[host..end]));
            rest = &after[end..];
        }
        out.push_str(rest);
        out
    }

    /// `host:port/path`.
    pub(super) fn authority(&self, text: &str) -> String {
        let (authority, path) =
            text.split_at(text.find(['/', '?', '#', '\\']).unwrap_or(text.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, Some(port)),
            _ => (authority, None),
        };
        let mut out = self.host(host);
        if let Some(port) = port {
            out = format!("{out}:{port}");
        }
        match path {
            "" | "/" => out + path,
            _ => out + "/redacted",
        }
    }

    /// `user:password@host`, without a scheme.
    fn credentials(&self, text: &str) -> String {
        let word = |word: &str| {
            let Some((_, host)) = word.rsplit_once('@').filter(|(user, _)| user.contains(':'))
            else {
                return word.to_owned();
            };
            self.dropped(Kind::Credential);
            let (host, rest) = host.split_at(host.find(':').unwrap_or(host.len()));
            format!("redacted@{}{rest}", self.host(host))
        };
        let limit = |c: char| ends_word(c) || matches!(c, '/' | '=');
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(limit) {
            let end = next(rest, at);
            out.push_str(&word(&rest[..at]));
            out.push_str(&rest[at..end]);
            rest = &rest[end..];
        }
        out + &word(rest)
    }

    fn places(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (place, kind) in PLACES {
            let mut from = 0;
            while let Some(at) = text[from..].find(place) {
                let start = from + at + place.len();
                let end = text[start..].find(|c| ends_word(c) || matches!(c, '/' | ':'));
                let end = end.map_or(text.len(), |end| start + end);
                let image = match kind {
                    // No account is called so; these are in a home that is itself called home.
                    Kind::UserName if text[start..end].starts_with('.') => {
                        text[start..end].to_owned()
                    }
                    Kind::UserName => self.user(&text[start..end]),
                    _ => self.interface(&text[start..end]),
                };
                text.replace_range(start..end, &image);
                // The slash that ends this component can begin the next place.
                from = start + image.len();
            }
        }
        text
    }

    fn known_names(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for name in self.known() {
            let mut from = 0;
            while let Some(at) = text[from..].find(name.as_str()) {
                let (start, end) = (from + at, from + at + name.len());
                let alone = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
                if alone(text[..start].chars().next_back()) && alone(text[end..].chars().next()) {
                    let image = self.host(name);
                    text.replace_range(start..end, &image);
                    from = start + image.len();
                } else {
                    from = next(&text, start);
                }
            }
        }
        text
    }

    fn addresses(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let part = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
        let mut rest = text;
        while let Some(start) = rest.find(part) {
            let glued = rest[..start].ends_with(is_name) || (start == 0 && out.ends_with(is_name));
            out.push_str(&rest[..start]);
            let run = &rest[start..];
            let (run, after) = run.split_at(run.find(|c| !part(c)).unwrap_or(run.len()));
            let glued_after = after.starts_with(is_name);
            out.push_str(&self.address_run(run, glued, glued_after));
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// A run of digits, dots and colons; `glued` to a name before it, or after it.
    fn address_run(&self, run: &str, glued: bool, glued_after: bool) -> String {
        let text = run.trim_end_matches('.');
        if !glued && !glued_after && run.bytes().filter(|b| *b == b':').count() >= 2 {
            for end in [text, text.strip_suffix(':').unwrap_or(text)] {
                if let Ok(address) = end.parse::<Ipv6Addr>() {
                    return self.shown(address.into(), end) + &run[end.len()..];
                }
            }
            if is_hardware_address(text) {
                self.dropped(Kind::Address);
                return format!("02:00:00:00:00:00{}", &run[text.len()..]);
            }
        }
        let pieces = run.split(':').count();
        let piece = |(at, piece): (usize, &str)| {
            let glued = (glued && at == 0) || (glued_after && at + 1 == pieces);
            let text = piece.trim_end_matches('.');
            match text.parse::<Ipv4Addr>() {
                Ok(address) if !glued => self.shown(address.into(), text) + &piece[text.len()..],
                _ => piece.to_owned(),
            }
        };
        run.split(':').enumerate().map(piece).collect::<Vec<_>>().join(":")
    }

    /// An address that stays is written as it was.
    fn shown(&self, address: IpAddr, text: &str) -> String {
        let image = self.address(address);
        if image == address { text.to_owned() } else { image.to_string() }
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_hardware_address(text: &str) -> bool {
    let groups: Vec<&str> = text.split(':').collect();
    let zero = text == "02:00:00:00:00:00";
    !zero && groups.len() == 6 && groups.iter().all(|g| g.len() == 2 && !g.contains('.'))
}

/// The boundary after the character at `at`.
fn next(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(1, char::len_utf8)
}
