//! The engine that keeps a vault in a PostgreSQL database, which many machines share.
//!
//! The server sees sealed rows. Each is signed by the member who wrote it, and a list of members
//! that its admins signed says who may write: see [`crate::vault::shared`]. The server arbitrates
//! turns and keeps the time; it can withhold rows, and neither read nor forge one.
//!
//! [`driver`] speaks to the server; [`row`] seals and opens what is in a row; [`rows`] reads rows,
//! [`apply`] carries out each change, and [`claim`] begins a refresh; [`bundles`] remembers what came in
//! and went out in bundles; [`members`] writes the list of members, [`rotate`] the data key, and
//! [`membership_change`] both. [`Server`] brings them together, and [`listing`] reads all rows.

mod driver;
mod schema;
mod membership;
mod row;
mod rows;
mod claim;
mod bundles;
mod apply;
mod members;
mod pause;
mod status;
mod rotate;
mod membership_change;
mod server;
mod listing;
mod entries;
mod carried;
mod health;

pub(crate) use self::health::DatabaseHealth;
pub(in crate::store) use self::health::lacks_to_read;
pub(in crate::store) use self::pause::{LEASE_PATIENCE, pause};
pub(crate) use self::server::Place;
pub(in crate::store) use self::server::Server;
pub(crate) use self::status::LeaseRunning;
