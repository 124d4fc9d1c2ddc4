#![no_main]

use tokctl::properties::Import;

thread_local! {
    // The directory stays until the system clears its own: a fuzzer never ends in an orderly way.
    static IMPORT: Import = Import::new(&tempfile::tempdir().expect("a directory").keep());
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| IMPORT.with(|import| import.hold(data)));
