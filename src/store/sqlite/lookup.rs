//! Finding rows by their names and clear columns, without a look at the others.
//!
//! What is found is a hint. Whoever can write to the file can edit an index or a clear column as
//! well as take a row away. So a caller opens what it found by the account's name, and the seal
//! tells whether it is that account's; that an index leaves out a row, `doctor` sees.
//!
//! A user is looked up at each provider, one after the other: there are few, and an index of users
//! would be written at each login.

use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use super::clear::{CLEAR, account, summary};
use crate::model::account::{Account, AccountFilter, ProviderName};
use crate::model::summary::Summary;
use crate::store::error::Error;

/// The characters that can follow a host in the text of an address.
const BEHIND_A_HOST: [char; 5] = ['#', '/', ':', '?', '\\'];

/// Calls `each` for the rows of `filter` in the order of their names, until it breaks. They begin
/// with `columns`.
pub(super) fn each_row<E: From<Error>>(
    connection: &Connection,
    columns: &str,
    filter: AccountFilter<'_>,
    mut each: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let select = format!("SELECT {columns} FROM credentials_2");
    match (filter.provider, filter.user) {
        (None, None) => {
            until_break(connection, &format!("{select} ORDER BY provider, user"), [], each)
        }
        (Some(provider), None) => {
            let sql = format!("{select} WHERE provider = ?1 ORDER BY user");
            until_break(connection, &sql, [&provider.as_str()], each)
        }
        (provider, Some(user)) => {
            let providers = match provider {
                Some(provider) => vec![provider.clone()],
                None => providers(connection)?,
            };
            let sql = format!("{select} WHERE provider = ?1 AND user = ?2");
            for provider in providers {
                let names: [&dyn ToSql; 2] = [&provider.as_str(), &user.as_str()];
                until_break(connection, &sql, names, &mut each)?;
            }
            Ok(())
        }
    }
}

fn until_break<const N: usize, E: From<Error>>(
    connection: &Connection,
    sql: &str,
    values: [&dyn ToSql; N],
    mut each: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let mut statement = connection.prepare_cached(sql).map_err(Error::from)?;
    let mut rows = statement.query(&values[..]).map_err(Error::from)?;
    while let Some(row) = rows.next().map_err(Error::from)? {
        if each(row)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// Returns the providers that have credentials, in order. A name that no provider can have is left
/// out.
pub(crate) fn providers(connection: &Connection) -> Result<Vec<ProviderName>, Error> {
    // Each is found by the index, so that its many users are not read.
    let mut next = connection.prepare_cached(
        "SELECT CAST(provider AS BLOB) FROM credentials_2 WHERE provider > CAST(?1 AS TEXT)
         ORDER BY provider LIMIT 1",
    )?;
    let (mut found, mut last) = (Vec::new(), Vec::new());
    while let Some(name) = next.query_row([&last], |row| row.get::<_, Vec<u8>>(0)).optional()? {
        if name <= last {
            // In an index that was edited, one could be found again and again.
            return Err(Error::Inconsistent("an index is out of order"));
        }
        found.extend(str::from_utf8(&name).ok().and_then(|name| name.parse().ok()));
        last = name;
    }
    Ok(found)
}

/// Returns the first `most` accounts of `filter`, in order.
pub(crate) fn accounts(
    connection: &Connection,
    filter: AccountFilter<'_>,
    most: usize,
) -> Result<Vec<Account>, Error> {
    let mut found = Vec::new();
    each_row(connection, "provider, user", filter, |row| {
        if found.len() == most {
            return Ok(ControlFlow::Break(()));
        }
        // A name that no account can have is nobody's: it must not stop the others.
        found.extend(account(row));
        Ok::<_, Error>(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Returns the clear copy of the first row of `filter` for which `is_meant` is true.
pub(crate) fn first(
    connection: &Connection,
    filter: AccountFilter<'_>,
    mut is_meant: impl FnMut(&Summary) -> bool,
) -> Result<Option<Summary>, Error> {
    let mut found = None;
    each_row(connection, CLEAR, filter, |row| {
        found = summary(row).ok().filter(&mut is_meant);
        Ok::<_, Error>(if found.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    Ok(found)
}

/// Returns the accounts of `provider` whose users stand next to `user` in their order: at most
/// `most` before it, and as many from it on.
pub(crate) fn beside(
    connection: &Connection,
    provider: &ProviderName,
    user: &str,
    most: usize,
) -> Result<Vec<Account>, Error> {
    let mut found = Vec::new();
    for side in ["user < ?2 ORDER BY user DESC", "user >= ?2 ORDER BY user"] {
        let sql = format!(
            "SELECT provider, user FROM credentials_2 WHERE provider = ?1 AND {side} LIMIT {most}"
        );
        until_break(connection, &sql, [&provider.as_str(), &user], |row| {
            found.extend(account(row));
            Ok::<_, Error>(ControlFlow::Continue(()))
        })?;
    }
    Ok(found)
}

/// Returns the first `most` accounts of `provider` whose user begins with `beginning`, in order.
pub(crate) fn beginning_with(
    connection: &Connection,
    provider: &ProviderName,
    beginning: &str,
    most: usize,
) -> Result<Vec<Account>, Error> {
    let sql = "SELECT provider, user FROM credentials_2 WHERE provider = ?1 AND user >= ?2
               ORDER BY user";
    let mut found = Vec::new();
    until_break(connection, sql, [&provider.as_str(), &beginning], |row| {
        let Ok(account) = account(row) else { return Ok(ControlFlow::Continue(())) };
        if found.len() == most || !account.user.as_str().starts_with(beginning) {
            return Ok(ControlFlow::Break(()));
        }
        found.push(account);
        Ok::<_, Error>(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Returns the clear copies of the credentials whose server is at one of `origins`, such as
/// `https://git.example`, whatever its port and path, and perhaps some others.
pub(crate) fn at_servers(
    connection: &Connection,
    origins: &[String],
) -> Result<Vec<Summary>, Error> {
    let mut found = Vec::new();
    if origins.iter().any(|origin| origin.contains("xn--")) {
        // The text of such a host can be in any script.
        let sql = format!("SELECT {CLEAR} FROM credentials_2 WHERE server_url IS NOT NULL");
        read_into(&mut found, connection, &sql, [])?;
        return Ok(found);
    }
    let is = format!("SELECT {CLEAR} FROM credentials_2 WHERE server_url = ?1 COLLATE NOCASE");
    let begins = format!(
        "SELECT {CLEAR} FROM credentials_2
         WHERE server_url COLLATE NOCASE >= ?1 AND server_url COLLATE NOCASE < ?2"
    );
    for origin in origins {
        read_into(&mut found, connection, &is, [origin])?;
        for behind in BEHIND_A_HOST {
            let from = format!("{origin}{behind}");
            let to = format!("{origin}{}", char::from(behind as u8 + 1));
            read_into(&mut found, connection, &begins, [&from, &to])?;
        }
    }
    Ok(found)
}

/// Returns the first `most` addresses of servers that begin with `beginning`, whatever its case, each
/// once and in order.
pub(crate) fn servers_beginning_with(
    connection: &Connection,
    beginning: &str,
    most: usize,
) -> Result<Vec<String>, Error> {
    // Each is found by the index, so that the many users of one are not read.
    let mut next = connection.prepare_cached(
        "SELECT CAST(server_url AS BLOB) FROM credentials_2
         WHERE server_url COLLATE NOCASE > CAST(?1 AS TEXT)
         ORDER BY server_url COLLATE NOCASE LIMIT 1",
    )?;
    let mut found: Vec<String> = Vec::new();
    // Nothing that is an address ends with such a letter, so that `beginning` itself is found too.
    let mut last = beginning.as_bytes().to_vec();
    last.pop();
    while found.len() < most {
        let server = next.query_row([&last], |row| row.get::<_, Vec<u8>>(0)).optional()?;
        let Some(server) = server else { break };
        if server.to_ascii_lowercase() <= last.to_ascii_lowercase() {
            // In an index that was edited, one could be found again and again.
            return Err(Error::Inconsistent("an index is out of order"));
        }
        if let Ok(text) = String::from_utf8(server.clone()) {
            let head = text.get(..beginning.len());
            if head.is_some_and(|head| head.eq_ignore_ascii_case(beginning)) {
                found.push(text);
            } else if text.to_ascii_lowercase().as_str() > beginning.to_ascii_lowercase().as_str() {
                break;
            }
        }
        last = server;
    }
    Ok(found)
}

/// Returns the clear copies of the credentials whose account at the service is called `username`.
pub(crate) fn with_username(
    connection: &Connection,
    username: &str,
) -> Result<Vec<Summary>, Error> {
    let mut found = Vec::new();
    let sql = format!("SELECT {CLEAR} FROM credentials_2 WHERE username = ?1");
    read_into(&mut found, connection, &sql, [&username])?;
    Ok(found)
}

/// Adds the clear copies that `sql` selects. A row that can't be read is left out.
fn read_into<const N: usize>(
    found: &mut Vec<Summary>,
    connection: &Connection,
    sql: &str,
    values: [&dyn ToSql; N],
) -> Result<(), Error> {
    until_break(connection, sql, values, |row| {
        found.extend(summary(row));
        Ok(ControlFlow::Continue(()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::schema;

    /// Makes a vault with a row for each account, with the server that stands behind it.
    fn vault(rows: &[(&str, &str, &str)]) -> Connection {
        let vault = Connection::open_in_memory().unwrap();
        schema::make(&vault, None).unwrap();
        for row in rows {
            let sql = "INSERT INTO credentials_2 VALUES (?1, ?2, 1, x'', 'static', 'active',
                nullif(?3, ''), iif(?2 = 'x', 'x at the service', NULL), '', NULL, 0, 0, 0, NULL,
                NULL, x'', 1, NULL, NULL, NULL)";
            vault.execute(sql, *row).unwrap();
        }
        vault
    }

    fn names<'a>(accounts: impl IntoIterator<Item = &'a Account>) -> Vec<String> {
        accounts.into_iter().map(ToString::to_string).collect()
    }

    #[test]
    fn accounts_are_found_by_provider_user_both_and_neither() {
        let rows =
            [("b", "x", ""), ("a", "y", ""), ("a", "x", ""), ("c", "z", ""), ("a-b", "x", "")];
        let view = vault(&rows);
        let found = |provider: &str, user: &str, most| {
            let (provider, user) = (provider.parse().ok(), user.parse().ok());
            let filter = AccountFilter { provider: provider.as_ref(), user: user.as_ref() };
            names(&accounts(&view, filter, most).unwrap()).join(" ")
        };
        assert_eq!(found("", "", 9), "a/x a/y a-b/x b/x c/z");
        assert_eq!(found("a", "", 9), "a/x a/y");
        assert_eq!(found("", "x", 9), "a/x a-b/x b/x");
        assert_eq!(found("a", "y", 9), "a/y");
        assert_eq!(
            (found("d", "", 9), found("", "q", 9), found("", "", 2)),
            (String::new(), String::new(), "a/x a/y".into())
        );
        assert_eq!(names(&beside(&view, &"a".parse().unwrap(), "xx", 1).unwrap()), ["a/x", "a/y"]);
        let beginning = |text| beginning_with(&view, &"a".parse().unwrap(), text, 9).unwrap();
        assert_eq!(names(&beginning("y")), ["a/y"]);
        assert_eq!(names(&beginning("")), ["a/x", "a/y"]);
        let summaries = with_username(&view, "x at the service").unwrap();
        assert_eq!(summaries.len(), 3);
    }

    #[test]
    fn a_provider_that_none_can_be_called_hides_no_other() {
        let vault = vault(&[("a", "x", ""), ("b", "x", ""), ("c", "x", "")]);
        let odd = "UPDATE credentials_2 SET provider = CAST(x'62ff' AS TEXT) WHERE provider = 'b'";
        vault.execute(odd, []).unwrap();
        let found = providers(&vault).unwrap();
        assert_eq!(found, ["a".parse().unwrap(), "c".parse().unwrap()]);
    }

    #[test]
    fn a_server_is_found_however_its_address_is_written_and_no_longer_host_is() {
        let rows = [
            ("a", "1", "https://git.example"),
            ("a", "2", "https://GIT.example:443/"),
            ("a", "3", "https://git.example/part"),
            ("a", "4", "https://git.example:8443"),
            ("a", "5", "https://git.example.evil"),
            ("a", "6", "https://git-example"),
            ("a", "7", "https://b\u{fc}cher.example"),
            ("a", "8", ""),
        ];
        let view = vault(&rows);
        let found = |origin: &str| {
            let mut found = at_servers(&view, &[origin.to_owned()]).unwrap();
            found.sort_by(|one, other| one.account.cmp(&other.account));
            names(found.iter().map(|summary| &summary.account)).join(" ")
        };
        assert_eq!(found("https://git.example"), "a/1 a/2 a/3 a/4");
        assert_eq!(found("https://nowhere.example"), "");
        assert!(found("https://xn--bcher-kva.example").contains("a/7"));
    }

    #[test]
    fn servers_are_found_by_the_beginning_of_their_address_each_once() {
        let rows = [
            ("a", "x", "https://a.example/mcp"),
            ("a", "y", "https://a.example/mcp"),
            ("b", "x", "HTTPS://B.example"),
            ("c", "x", "http://127.0.0.1:8000/mcp"),
            ("d", "x", ""),
            ("e", "x", "https://a.example"),
        ];
        let view = vault(&rows);
        let found = |beginning: &str, most| {
            servers_beginning_with(&view, beginning, most).unwrap().join(" ")
        };
        let all = "https://a.example https://a.example/mcp HTTPS://B.example";
        assert_eq!(found("https://", 9), all);
        assert_eq!(found("https://a.example", 9), "https://a.example https://a.example/mcp");
        assert_eq!(found("https://a.example/mcp", 9), "https://a.example/mcp");
        assert_eq!(found("htt", 9), format!("http://127.0.0.1:8000/mcp {all}"));
        assert_eq!(found("https://b", 9), "HTTPS://B.example");
        assert_eq!((&*found("https://c", 9), &*found("https://", 1)), ("", "https://a.example"));
    }

    #[test]
    fn one_row_is_searched_for_and_none_is_walked_over() {
        let view = vault(&[]);
        for sql in [
            "SELECT provider FROM credentials_2 WHERE provider > ?1 ORDER BY provider LIMIT 1",
            "SELECT provider, user FROM credentials_2 WHERE provider = ?1 ORDER BY user",
            "SELECT * FROM credentials_2 WHERE username = ?1",
            "SELECT * FROM credentials_2 WHERE server_url = ?1 COLLATE NOCASE",
            "SELECT * FROM credentials_2
             WHERE server_url COLLATE NOCASE >= ?1 AND server_url COLLATE NOCASE < ?2",
            "SELECT server_url FROM credentials_2 WHERE server_url COLLATE NOCASE > ?1
             ORDER BY server_url COLLATE NOCASE LIMIT 1",
        ] {
            let mut statement = view.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let count = statement.parameter_count();
            let values = vec!["x"; count];
            let plan: String = statement
                .query_row(rusqlite::params_from_iter(values), |row| row.get("detail"))
                .unwrap();
            assert!(plan.starts_with("SEARCH ") && plan.contains("INDEX"), "{sql}: {plan}");
        }
    }
}
