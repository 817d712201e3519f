//! The level of x86-64 that a processor has.

use dind_doctor_checks::facts::{Fact, Why};

use crate::probe::Reader;

const PATH: &str = "/proc/cpuinfo";

/// What a level has beyond the one before, as the kernel names it (psABI for x86-64, "Micro-architecture levels").
const LEVELS: [&[&str]; 3] = [
    &["cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"],
    &["abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"],
    &["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"],
];

/// From the flags of the first processor.
pub(super) fn level(reader: &Reader) -> Fact<Option<u8>> {
    match reader.bytes(PATH) {
        Ok(bytes) if bytes.trim_ascii().is_empty() => Fact::missing(PATH, Why::Malformed),
        other => other.map(|bytes| of(&String::from_utf8_lossy(&bytes))).into(),
    }
}

fn of(text: &str) -> Option<u8> {
    let line = text.lines().find_map(|line| line.strip_prefix("flags"))?;
    let flags: Vec<&str> = line.split_once(':')?.1.split_whitespace().collect();
    if !flags.contains(&"lm") {
        return None;
    }
    let has = |level: &&[&str]| level.iter().all(|flag| flags.contains(flag));
    let above = LEVELS.iter().take_while(|level| has(level)).count();
    u8::try_from(above + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixed::Fixed;

    const SECOND: &str = "lm cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3";
    const THIRD: &str = "abm avx avx2 bmi1 bmi2 f16c fma movbe xsave";

    #[test]
    fn each_level_has_all_of_those_before() {
        let level = |flags: &str| of(&format!("processor\t: 0\nflags\t\t: fpu {flags}\nbugs\t:\n"));
        assert_eq!(level("lm"), Some(1));
        assert_eq!(level(&format!("lm {THIRD}")), Some(1));
        assert_eq!(level(SECOND), Some(2));
        assert_eq!(level(&format!("{SECOND} {THIRD}")), Some(3));
        assert_eq!(level(&SECOND.replace("lm cx16", "cx16")), None, "a processor of 32 bits");
        assert_eq!(of("processor\t: 0\nFeatures\t: fp asimd\n"), None, "arm64");
    }

    #[test]
    fn it_is_read_from_the_file() {
        let source = Fixed::new().file(PATH, "flags\t: fpu lm\n");
        assert_eq!(level(&Reader::new(&source)), Fact::Known(Some(1)));
        assert!(level(&Reader::new(&Fixed::new())).known().is_none());
    }
}
