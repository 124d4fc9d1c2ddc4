//! The connection to a PostgreSQL server, spoken so that a transaction pooler is enough: unnamed
//! statements, settings that end with their transaction, nothing in the session.
//!
//! Owns the crate tokio-postgres, TLS and the runtime, which the first statement makes. Knows
//! nothing of what is stored.

mod clear;
mod binding;
mod tls;
mod fault;
mod connect;
mod transaction;
mod connection;
mod connections;

pub(super) use self::connection::Connection;
pub(super) use self::connections::Connections;
pub(super) use self::fault::Fault;
pub(super) use self::transaction::{Row, Transaction};
pub(super) use tokio_postgres::types::{ToSql, Type};
