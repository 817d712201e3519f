#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dind_doctor_fuzz::run("log", input));
