#![no_main]

use std::cell::RefCell;

use tokctl::properties::VaultRows;

thread_local! {
    // The directory stays until the system clears its own: a fuzzer never ends in an orderly way.
    static VAULT: RefCell<VaultRows> =
        RefCell::new(VaultRows::new(&tempfile::tempdir().expect("a directory").keep()));
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| VAULT.with_borrow_mut(|vault| vault.hold(data)));
