//! HTML: one file that needs nothing else, and no script to be read.
//!
//! What the browser may do with it is written into it: no request, no other style and no other script than the two that
//! are in it, by their digests.

mod findings;
mod markup;
mod sections;

use std::io::{self, Write};

use markup::Markup;

use super::page::Page;
use crate::report::Report;

/// How it looks: light or dark as the reader has it, and on paper.
pub const STYLE: &str = include_str!("style.css");

/// Buttons that copy what can be pasted, and links that open what they lead to. It has neither `<` nor `&`, so that
/// readers of XML can read the page.
pub const SCRIPT: &str = include_str!("script.js");

/// What the browser may do. The digests are those of [`STYLE`] and [`SCRIPT`], SHA-256 in Base64, which a test says
/// when they are wrong.
pub const POLICY: &str = "default-src 'none'; style-src 'sha256-aelg79+sRynHlBWvdEGYJXoD3ZXJbLohCQJSltxdx7M='; script-src 'sha256-vskccUhzLWE5fJoqqFR5a2vdwa+BLDBdB+79g7VDMcw='; \
                          base-uri 'none'; form-action 'none'";

/// The report as one page.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write(&Page::of(report)?, out)
}

/// The page.
pub fn write(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    let title = format!("dind-doctor: {}", page.verdict());
    let head = [
        Markup::tag("meta", &[("charset", "utf-8")], []),
        Markup::tag("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)], []),
        Markup::tag("meta", &[("name", "viewport"), ("content", "width=device-width")], []),
        Markup::tag("meta", &[("name", "referrer"), ("content", "no-referrer")], []),
        Markup::tag("title", &[], [Markup::text(&title)]),
        Markup::verbatim("style", STYLE),
    ];
    let main = [
        sections::header(page),
        sections::prescription(page),
        findings::found(page),
        findings::open(page),
        sections::trials(page),
        sections::environment(page),
        sections::aside(page),
        sections::footer(page),
    ];
    let body = [Markup::tag("main", &[], main), Markup::verbatim("script", SCRIPT)];
    let html = Markup::tag(
        "html",
        &[("lang", "en")],
        [Markup::tag("head", &[], head), Markup::tag("body", &[], body)],
    );
    writeln!(out, "<!DOCTYPE html>\n{}", html.as_str())
}
