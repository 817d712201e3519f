//! What dockerd answers, as much as is looked at.

use serde::Deserialize;

/// Both streams come in one: each piece after eight bytes that say of which it is, and how long.
pub(super) fn without_frames(mut framed: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some((&[_, 0, 0, 0, a, b, c, d], rest)) = framed.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let (piece, rest) = rest.split_at(length.min(rest.len()));
        all.extend_from_slice(piece);
        framed = rest;
    }
    all
}

#[derive(Default, Deserialize)]
pub(super) struct Version {
    #[serde(rename = "Version")]
    pub(super) version: String,
}

#[derive(Deserialize)]
pub(super) struct Made {
    #[serde(rename = "Id")]
    pub(super) id: String,
}

#[derive(Default, Deserialize)]
pub(super) struct Inspected {
    #[serde(rename = "State")]
    pub(super) state: State,
}

#[derive(Default, Deserialize)]
pub(super) struct State {
    #[serde(rename = "Running")]
    pub(super) running: bool,
    #[serde(rename = "ExitCode")]
    pub(super) code: i64,
}

#[derive(Default, Deserialize)]
pub(super) struct EndedWith {
    #[serde(rename = "StatusCode")]
    pub(super) status: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_container_wrote_is_put_together() {
        let framed = b"\x01\0\0\0\0\0\0\x04one\n\x02\0\0\0\0\0\0\x03two\x01\0\0\0\0\0\0\x09cut";
        assert_eq!(without_frames(framed), b"one\ntwocut");
        assert!(without_frames(b"HTTP").is_empty());
    }
}
