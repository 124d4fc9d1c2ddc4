//! The tables of shared vaults. One database can hold several.

/// The version of the tables and of what is in them.
pub(super) const FORMAT: i16 = 1;

/// Makes the tables, where they are missing. All times are microseconds since 1970, by the clock of
/// the database.
pub(super) const MAKE: &str = "
CREATE TABLE IF NOT EXISTS tokctl_vaults (
    vault bytea PRIMARY KEY,
    format smallint NOT NULL,
    generation bigint NOT NULL,
    n bigint NOT NULL,
    held_until bigint NOT NULL DEFAULT 0,
    held_by bytea
);
CREATE TABLE IF NOT EXISTS tokctl_roster (
    vault bytea NOT NULL REFERENCES tokctl_vaults,
    n bigint NOT NULL,
    hash bytea NOT NULL,
    entry bytea NOT NULL,
    PRIMARY KEY (vault, n)
);
CREATE TABLE IF NOT EXISTS tokctl_slots (
    vault bytea NOT NULL REFERENCES tokctl_vaults,
    generation bigint NOT NULL,
    member bytea NOT NULL,
    slot bytea NOT NULL,
    PRIMARY KEY (vault, generation, member)
);
CREATE TABLE IF NOT EXISTS tokctl_rows (
    vault bytea NOT NULL REFERENCES tokctl_vaults,
    name bytea NOT NULL,
    revision bigint NOT NULL,
    secret bytea NOT NULL,
    label bytea NOT NULL,
    evidence bytea NOT NULL,
    writer bytea NOT NULL,
    signature bytea NOT NULL,
    change bytea NOT NULL,
    attempt bytea,
    turn bigint NOT NULL DEFAULT 0,
    started_at bigint NOT NULL DEFAULT 0,
    lease_until bigint NOT NULL DEFAULT 0,
    holder bytea,
    PRIMARY KEY (vault, name)
);
CREATE TABLE IF NOT EXISTS tokctl_bundles (
    vault bytea NOT NULL REFERENCES tokctl_vaults,
    bundle bytea NOT NULL,
    change bytea NOT NULL,
    taken_in_at bigint,
    handed_over_at bigint,
    member bytea,
    text bytea,
    PRIMARY KEY (vault, bundle)
);";

/// The present time of the database. It goes on within a transaction.
pub(super) const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// The name of the table of rows in what is signed.
pub(super) const ROWS: &str = "rows";

/// The name, in what is signed, of the record of requests that stands in the table of rows.
pub(super) const EVIDENCE: &str = "evidence";
