//! Rule texts.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::rule_text(bytes));
