//! The tables of a service that refreshes tokens of Etsy and Shopify: `etsy_users` and
//! `shopify_stores`, in a SQLite file, or one of them dumped from another database.

use std::path::Path;

use serde_json::Value;

use super::error::Error;
use super::record::{Fault, Found, Held, Label, Record};
use super::row::Row;
use super::salla;
use super::table::{self, Table, TableRow, TableRows};
use super::text;
use super::times;
use crate::model::credential::{Expiry, StaticToken};

const ETSY: &str = "etsy_users";
const SHOPIFY: &str = "shopify_stores";

const TABLES: [Table; 2] = [
    Table {
        name: ETSY,
        columns: &["user_id", "access_token", "refresh_token", "token_expires_at", "updated_at"],
        needed: &["user_id", "access_token", "refresh_token", "token_expires_at"],
        // In the other table, a truth stands in this place.
        fits: |row| {
            times::is_time(row, "token_expires_at") && text::truth(row, "token_expires_at").is_err()
        },
        label: |row| (Some("etsy"), text::user(row, "user_id")),
    },
    Table {
        name: SHOPIFY,
        columns: &["id", "shop_domain", "access_token", "is_active", "updated_at"],
        needed: &["shop_domain", "access_token"],
        fits: |row| row.get("shop_domain").and_then(Value::as_str).is_some_and(is_shop),
        // A shop's number has no meaning outside of that service.
        label: |row| (Some("shopify"), text::user(row, "shop_domain")),
    },
];

/// Reads the file at `path`.
pub(crate) fn read(path: &Path) -> Result<Found, Error> {
    let what = "no database or dump with `etsy_users` or `shopify_stores`";
    let TableRows { rows, files, .. } = table::read(path, &TABLES, what)?;
    let mut found = Found { files, ..Found::default() };
    for TableRow { table, label, row } in rows {
        let of = if table == ETSY { etsy } else { shopify };
        found.add(label.clone(), row.and_then(|row| of(&row, label)));
    }
    Ok(found)
}

fn is_shop(domain: &str) -> bool {
    domain.ends_with(".myshopify.com")
}

fn etsy(row: &Row, label: Label) -> Result<Record, Fault> {
    let held = Held::Grant(Box::new(salla::grant(row, "token_expires_at")?));
    Ok(Record { label, server: None, username: None, inactive: false, held })
}

fn shopify(row: &Row, label: Label) -> Result<Record, Fault> {
    let domain = text::field(row, "shop_domain")?.ok_or("it has no shop")?;
    let token = text::field(row, "access_token")?.ok_or("it has no access token")?;
    let token = StaticToken { token: Some(text::access_token(token)?), expiry: Expiry::Unknown };
    Ok(Record {
        label,
        server: Some(text::shop(&domain)?),
        username: None,
        inactive: !text::truth(row, "is_active")?.unwrap_or(true),
        held: Held::Static(token),
    })
}
