//! The properties, tried with the examples and with some hundred inputs made from their words.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use proptest::prelude::*;

use super::{
    AuditFile, Import, VaultFile, VaultRows, bundle, by_address, callback, config, metadata,
    pasted, seal, token_answer,
};

/// Returns the examples of one target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/properties/seeds").join(target);
    let entries = fs::read_dir(directory).unwrap();
    let seeds: Vec<_> = entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(!seeds.is_empty());
    seeds
}

/// Generates pieces of the examples of `target` and odd bytes, in any order.
fn mixed(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let seeds = seeds(target);
    let piece = move |seed: prop::sample::Index, at: prop::sample::Index, length: usize| {
        let seed = &seeds[seed.index(seeds.len())];
        let at = at.index(seed.len());
        seed[at..seed.len().min(at + length)].to_vec()
    };
    let piece = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..200_usize)
        .prop_map(move |(seed, at, length)| piece(seed, at, length));
    let odd = prop::collection::vec(any::<u8>(), 0..4);
    prop::collection::vec(prop_oneof![4 => piece, 1 => odd], 0..6)
        .prop_map(|pieces| pieces.concat())
}

/// Generates an example with one change.
fn mutated(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let seeds = seeds(target);
    (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), 0..4_usize).prop_map(
        move |(seed, at, byte, taken)| {
            let mut seed = seeds[seed.index(seeds.len())].clone();
            let at = at.index(seed.len());
            seed.splice(at..seed.len().min(at + taken), [byte]);
            seed
        },
    )
}

fn any_input(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    prop_oneof![mixed(target), mutated(target), prop::collection::vec(any::<u8>(), 0..300)]
}

/// The number of cases for a property that needs a vault on the disk.
const CASES_WITH_VAULT: u32 = 64;

proptest! {
    #[test]
    fn callbacks_hold(input in any_input("callback")) {
        callback(&input);
    }

    #[test]
    fn pasted_lines_hold(input in any_input("pasted")) {
        pasted(&input);
    }

    #[test]
    fn token_answers_hold(input in any_input("token_answer")) {
        token_answer(&input);
    }

    #[test]
    fn metadata_hold(input in any_input("metadata")) {
        metadata(&input);
    }

    #[test]
    fn logins_by_address_hold(input in any_input("by_address")) {
        by_address(&input);
    }

    #[test]
    fn configurations_hold(input in any_input("config")) {
        config(&input);
    }

    #[test]
    fn bundles_hold(input in any_input("bundle")) {
        bundle(&input);
    }

    #[test]
    fn seals_hold(text in prop::collection::vec(any::<u8>(), 0..200), at in any::<usize>(), change: u8) {
        seal::assert_opens_only_unchanged(&text, (at, change));
    }
}

#[test]
fn the_examples_hold() {
    for seed in seeds("callback") {
        callback(&seed);
    }
    for seed in seeds("pasted") {
        pasted(&seed);
    }
    for seed in seeds("token_answer") {
        token_answer(&seed);
    }
    for seed in seeds("by_address") {
        by_address(&seed);
    }
    for seed in seeds("config") {
        config(&seed);
    }
    for seed in seeds("bundle") {
        bundle(&seed);
    }
}

#[test]
fn vault_rows_hold() {
    let home = tempfile::tempdir().unwrap();
    let mut vault = VaultRows::new(home.path());
    for seed in seeds("vault_rows") {
        vault.hold(&seed);
    }
    let vault = std::cell::RefCell::new(vault);
    proptest!(ProptestConfig::with_cases(CASES_WITH_VAULT), |(input in any_input("vault_rows"))| {
        vault.borrow_mut().hold(&input);
    });
}

#[test]
fn vault_files_hold() {
    let home = tempfile::tempdir().unwrap();
    let vault = VaultFile::new(home.path());
    let lines: Vec<Vec<u8>> = seeds("vault_rows")
        .iter()
        .flat_map(|seed| seed.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>())
        .collect();
    // Each line by itself, and all of each example: one line may hide what another does.
    for input in lines.iter().cloned().chain(seeds("vault_rows")) {
        let held = std::panic::catch_unwind(AssertUnwindSafe(|| vault.hold(&input)));
        assert!(held.is_ok(), "{}", String::from_utf8_lossy(&input));
    }
    // Beside a journal nothing else is looked at.
    let lines: Vec<_> =
        lines.into_iter().filter(|line| !line.starts_with(b"beside journal")).collect();
    let some = prop::collection::vec(prop::sample::select(lines), 1..6)
        .prop_map(|lines| lines.join(&b"\n"[..]));
    let any = prop_oneof![3 => some, 1 => any_input("vault_rows")];
    proptest!(ProptestConfig::with_cases(CASES_WITH_VAULT), |(input in any)| {
        vault.hold(&input);
    });
}

#[test]
fn audit_files_hold() {
    let home = tempfile::tempdir().unwrap();
    let audit = AuditFile::new(home.path());
    for seed in seeds("audit_file") {
        audit.hold(&seed);
    }
    proptest!(ProptestConfig::with_cases(CASES_WITH_VAULT), |(input in any_input("audit_file"))| {
        audit.hold(&input);
    });
}

#[test]
fn imports_hold() {
    let home = tempfile::tempdir().unwrap();
    let import = Import::new(home.path());
    for seed in seeds("import") {
        import.hold(&seed);
    }
    proptest!(ProptestConfig::with_cases(CASES_WITH_VAULT), |(input in any_input("import"))| {
        import.hold(&input);
    });
}
