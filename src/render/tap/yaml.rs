//! The part of YAML that readers of TAP know. Perl's has no flow style, no folding, no `|-`, takes a list
//! item that has a colon for a mapping, and fails the whole stream over what it does not know: so only
//! mappings, lists of mappings, single quotes and `|`.

use std::io::{self, Write};

/// A value of a mapping.
pub(super) enum Node {
    /// One line, escaped.
    Line(String),
    /// Several lines, each escaped.
    Lines(String),
    /// Mappings, of which none is empty.
    List(Vec<Map>),
}

/// Keys are plain words.
pub(super) type Map = Vec<(&'static str, Node)>;

/// Writes `map`, each line after so many spaces. Empty values are left out.
pub(super) fn write(map: &Map, indent: usize, out: &mut dyn Write) -> io::Result<()> {
    fields(map, indent, "", out)
}

/// `first` stands before the first field, in place of as many spaces.
fn fields(map: &Map, indent: usize, first: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut first = first;
    for (key, node) in map {
        let empty = match node {
            Node::Line(text) | Node::Lines(text) => text.is_empty(),
            Node::List(items) => items.is_empty(),
        };
        if empty {
            continue;
        }
        write!(out, "{:width$}{first}{key}:", "", width = indent - first.len())?;
        first = "";
        match node {
            Node::Line(text) => writeln!(out, " '{}'", text.replace('\'', "''"))?,
            // The first line tells how far the block is indented.
            Node::Lines(text) if text.starts_with([' ', '\n']) => {
                let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                writeln!(out, " \"{text}\"")?;
            }
            Node::Lines(text) => {
                writeln!(out, " |")?;
                for line in text.lines() {
                    // Spaces on empty lines too: for Perl's reader the block would end there.
                    writeln!(out, "{:width$}{line}", "", width = indent + 2)?;
                }
            }
            Node::List(items) => {
                writeln!(out)?;
                for item in items {
                    fields(item, indent + 4, "- ", out)?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn it_is_yaml() {
        let line = |text: &str| Node::Line(text.to_owned());
        let map = vec![
            ("message", line("it's: # not | plain")),
            ("empty", line("")),
            (
                "list",
                Node::List(vec![
                    vec![("a", line("1")), ("b", Node::Lines("x: y\n\n  z".to_owned()))],
                    vec![("a", Node::Lines(" \"x\\\ny".to_owned()))],
                ]),
            ),
            ("none", Node::List(vec![])),
        ];
        let mut out = Vec::new();
        write(&map, 2, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("  message: 'it''s: # not | plain'\n  list:\n    - a: '1'\n"));
        let read: Value = yaml_serde::from_str(&text).unwrap();
        let list = json!([{"a": "1", "b": "x: y\n\n  z\n"}, {"a": " \"x\\\ny"}]);
        assert_eq!(read, json!({"message": "it's: # not | plain", "list": list}));
    }
}
