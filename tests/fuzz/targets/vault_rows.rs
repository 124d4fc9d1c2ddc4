#![no_main]

use tokctl::properties::{VaultFile, VaultRows};

use std::cell::RefCell;

thread_local! {
    // The directories stay until the system clears its own: a fuzzer never ends in an orderly way.
    static ROWS: RefCell<VaultRows> =
        RefCell::new(VaultRows::new(&tempfile::tempdir().expect("a directory").keep()));
    static FILE: VaultFile = VaultFile::new(&tempfile::tempdir().expect("a directory").keep());
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    ROWS.with_borrow_mut(|vault| vault.hold(data));
    FILE.with(|vault| vault.hold(data));
});
