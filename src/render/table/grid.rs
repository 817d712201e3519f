//! Rows of cells, laid out as plain text and styled after that: to a layout engine escape sequences
//! have width.

use std::io::{self, Write};

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use owo_colors::Style;

use super::style::LABEL;

/// Columns between two cells.
const GAP: usize = 2;
/// The last column is never narrower, however small the terminal says it is.
const NARROWEST: usize = 24;

/// Writes rows with equally many cells below each other. All columns but the last are as wide as their
/// content, which must be ASCII; the last one is wrapped. Text is escaped by the caller.
pub(in crate::render) fn rows(
    rows: &[Vec<(String, Style)>],
    indent: usize,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(columns) = rows.first().map(Vec::len) else { return Ok(()) };
    let fixed: Vec<usize> = (0..columns - 1)
        .map(|column| rows.iter().map(|row| row[column].0.len()).max().unwrap_or(0) + GAP)
        .collect();
    let taken = fixed.iter().sum::<usize>();
    let last = width.saturating_sub(indent + taken).max(NARROWEST);
    let mut current = None;
    for line in layout(rows, &fixed, last).lines() {
        let (head, tail) = split_columns(&line, taken);
        // A wrapped line has nothing but the last cell.
        if current.is_none() || columns == 1 || !head.trim().is_empty() {
            current = Some(current.map_or(0, |row| row + 1));
        }
        let row = &rows[if columns == 1 { 0 } else { current.unwrap_or(0) }];
        let mut styled = " ".repeat(indent);
        let mut rest = head;
        for (cell, width) in row.iter().zip(&fixed) {
            let (text, after) = split_columns(rest, *width);
            push(&mut styled, text, cell.1);
            rest = after;
        }
        push(&mut styled, tail.trim_end(), row[columns - 1].1);
        writeln!(out, "{}", styled.trim_end())?;
    }
    Ok(())
}

/// A row of an entry: what is told, and the text. All entries have their text in the same column.
pub(in crate::render) fn labelled(label: &str, text: String, style: Style) -> Vec<(String, Style)> {
    vec![(format!("{label:8}"), LABEL), (text, style)]
}

/// Writes `text` wrapped to the width.
pub(in crate::render) fn paragraph(
    text: &str,
    style: Style,
    indent: usize,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    rows(&[vec![(text.to_owned(), style)]], indent, width, out)
}

fn layout(rows: &[Vec<(String, Style)>], fixed: &[usize], last: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    let whole = fixed.iter().sum::<usize>() + last;
    table.set_width(u16::try_from(whole).unwrap_or(u16::MAX));
    for row in rows {
        table.add_row(row.iter().map(|(text, _)| text.as_str()));
    }
    let widths = fixed.iter().copied().chain([last]);
    for (index, (column, width)) in table.column_iter_mut().zip(widths).enumerate() {
        let gap = if index < fixed.len() { GAP } else { 0 };
        let in_columns = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        column.set_padding((0, in_columns(gap)));
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(in_columns(width))));
    }
    table
}

/// The first `columns` ASCII characters, and the rest.
fn split_columns(line: &str, columns: usize) -> (&str, &str) {
    line.split_at_checked(columns).unwrap_or((line, ""))
}

/// Appends `text`, the style only on what is visible.
fn push(line: &mut String, text: &str, style: Style) {
    let visible = text.trim_end();
    if !visible.is_empty() {
        line.push_str(&style.style(visible).to_string());
    }
    line.push_str(&text[visible.len()..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(cells: &[&[&str]], width: usize) -> String {
        let cells: Vec<Vec<_>> = cells
            .iter()
            .map(|row| row.iter().map(|text| ((*text).to_owned(), Style::new())).collect())
            .collect();
        let mut out = Vec::new();
        rows(&cells, 2, width, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_last_column_is_wrapped_and_nothing_trails() {
        let text = plain(&[&["a", "one two three four five six seven"], &["bcd", "x"]], 32);
        assert_eq!(text, "  a    one two three four five\n       six seven\n  bcd  x\n");
    }

    #[test]
    fn a_single_column_is_a_paragraph() {
        let text = plain(&[&["one two three four five six seven"]], 28);
        assert_eq!(text, "  one two three four five\n  six seven\n");
    }
}
