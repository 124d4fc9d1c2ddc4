#![no_main]

use tokctl::properties::AuditFile;

thread_local! {
    // The directory stays until the system clears its own: a fuzzer never ends in an orderly way.
    static AUDIT: AuditFile = AuditFile::new(&tempfile::tempdir().expect("a directory").keep());
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| AUDIT.with(|audit| audit.hold(data)));
