//! What fuzz targets call and nobody else: parsers that are private otherwise. See `tests/fuzz/README.md`.

pub use crate::{
    cli::fuzzing::{baseline, configuration},
    source::fuzzing::{
        engine_answer, netlink_addresses, netlink_links, netlink_routes, nft_tables, paragraphs,
        rpm_packages, values,
    },
};

/// Text with what a terminal obeys made visible.
pub fn escape(text: &str) -> std::borrow::Cow<'_, str> {
    crate::text::escape(text)
}
