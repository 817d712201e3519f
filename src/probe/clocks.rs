//! Clocks.

use dind_doctor_checks::facts::Clocks;

use super::Reader;
use crate::source::ask;

pub(super) fn probe(reader: &Reader) -> Clocks {
    Clocks {
        hardware: reader.number("/sys/class/rtc/rtc0/since_epoch"),
        system: reader.ask(ask::Clocks).into(),
    }
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::facts::{Fact, Reading, Why};

    use super::*;
    use crate::source::{Refusal, fixed::Fixed};

    #[test]
    fn both_clocks_are_read_and_a_machine_need_not_have_a_hardware_clock() {
        let reading = Reading { realtime: 1, suspended: 0, synchronized: Some(false), released: 2 };
        let fixed = Fixed::new()
            .answer(ask::Clocks, reading)
            .file("/sys/class/rtc/rtc0/since_epoch", "1793491200\n");
        let clocks = probe(&Reader::new(&fixed));
        assert_eq!(clocks.system, Fact::Known(reading));
        assert_eq!(clocks.hardware, Fact::Known(1_793_491_200));
        let fixed = Fixed::new().refuse(ask::Clocks, Refusal::NotRecorded);
        let clocks = probe(&Reader::new(&fixed));
        assert_eq!(clocks.system.why(), Some(Why::NotRecorded));
        assert_eq!(clocks.hardware.why(), Some(Why::NotFound));
    }
}
