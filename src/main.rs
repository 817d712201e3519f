//! The `doctor` program.
fn main() {}
