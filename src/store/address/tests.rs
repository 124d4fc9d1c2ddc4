//! Addresses of databases in each form in which libpq takes them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::host::Security;
use super::*;

/// Reads `text` where the variables are as `set` says.
fn parse_with(text: &str, set: &[(&str, &str)]) -> Result<Address, Error> {
    let set: BTreeMap<&str, OsString> =
        set.iter().map(|(name, value)| (*name, OsString::from(value))).collect();
    let variable = |name: &str| set.get(name).cloned();
    Address::parse(text, Surroundings { variable: &variable })
}

fn parse(text: &str) -> Result<Address, Error> {
    parse_with(text, &[])
}

fn places(address: &Address) -> impl Iterator<Item = &Place> {
    address.places.iter().map(|(place, _)| place)
}

/// The password for the first place.
fn password_of(address: &Address) -> Option<String> {
    let (_, password) = address.places.first()?;
    password.as_ref().map(|password| password.expose().to_owned())
}

fn shown(text: &str) -> String {
    parse(text).unwrap().shown()
}

#[test]
fn a_uri_and_a_list_of_keywords_say_the_same() {
    for (uri, keywords) in [
        ("postgres://tok@db.example/vault", "host=db.example user=tok dbname=vault"),
        (
            "postgresql://tok:made%20up@db.example:6543/v%2Fx",
            r"user=tok password='made up' host=db.example port = 6543 dbname=v/x",
        ),
        (
            "postgres://tok@one.example:1,two.example:2/v",
            "user=tok host=one.example,two.example port=1,2 dbname=v",
        ),
        ("postgres://tok@[::1]:7/v", "user=tok host=::1 port=7 dbname=v"),
        ("postgres://%2Frun%2Fpg/v?user=tok", "host=/run/pg user=tok dbname=v"),
        ("postgres:///v?host=/run/pg&user=tok", r"host=\/run\/pg user=tok dbname=v"),
        ("postgres://tok@db.example", "user=tok host=db.example"),
    ] {
        let (one, other) = (parse(uri).unwrap(), parse(keywords).unwrap());
        assert_eq!(one.shown(), other.shown(), "{uri}");
        assert!(places(&one).eq(places(&other)), "{uri}");
        let expose = |address: &Address| password_of(address);
        assert_eq!(expose(&one), expose(&other), "{uri}");
        assert_eq!(one.shows_password(), password_of(&one).is_some());
    }
    assert_eq!(
        shown("postgres://tok:made-up@db.example:6543/v"),
        "postgres://tok@db.example:6543/v"
    );
    assert_eq!(shown("postgres://tok@db.example"), "postgres://tok@db.example/tok");
}

#[test]
fn what_is_malformed_is_refused() {
    for text in [
        "postgres://tok@db.example/v?nonsense=1",
        "postgres://tok@db.example/v?sslmode",
        "postgres://tok@db.example/v?sslmode=nonsense",
        "postgres://tok@db.example/100%",
        "postgres://tok@[::1/v",
        "postgres://tok@[::1]x/v",
        "postgres://tok@db.example:0/v",
        "postgres://tok@db.example:port/v",
        "host=a,b port=1,2,3 user=x",
        "postgres://tok@db.example/v?hostaddr=nonsense",
        "postgres://tok@db.example/v?options=-csearch_path%3Dx",
        "host=db.example user",
        "host='db.example user=tok",
        "host=db.example nonsense=1",
        "service=nonsense",
        "http://db.example",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    for text in ["mysql://u@h/d", "mariadb://u@h/d", "redis://h", "rediss://h"] {
        assert!(matches!(parse(text), Err(Error::AnotherEngine { .. })), "{text}");
    }
}

#[test]
fn a_server_elsewhere_has_to_prove_who_it_is() {
    let security = |text: &str| match &parse(text)?.places[0].0 {
        Place::Host { security, .. } => Ok(Some(*security)),
        Place::Socket { .. } => Ok::<_, Error>(None),
    };
    for (text, expected) in [
        ("host=db.example user=x", Some(Security::Verified)),
        ("host=192.0.2.1 user=x", Some(Security::Verified)),
        ("host=db.example sslmode=verify-full user=x", Some(Security::Verified)),
        ("host=localhost user=x", Some(Security::Loopback)),
        ("host=127.3.2.1 sslmode=prefer user=x", Some(Security::Loopback)),
        ("host=::1 sslmode=require user=x", Some(Security::Verified)),
        // The name is what the certificate is for, the address is where it is reached.
        ("host=db.example hostaddr=127.0.0.1 user=x", Some(Security::Loopback)),
        ("host=localhost hostaddr=192.0.2.1 user=x", Some(Security::Verified)),
        ("host=/run/pg sslmode=disable user=x", None),
    ] {
        assert_eq!(security(text).unwrap(), expected, "{text}");
    }
    for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
        let found = parse(&format!("postgres://x@db.example/v?sslmode={mode}"));
        assert!(matches!(found, Err(Error::WeakMode { .. })), "{mode}");
        let found = parse_with("host=db.example user=x", &[("PGSSLMODE", mode)]);
        assert!(matches!(found, Err(Error::WeakMode { .. })), "{mode}");
    }
}

#[test]
fn the_address_comes_before_the_service_and_that_before_the_environment() {
    let home = tempfile::tempdir().unwrap();
    let content = "[team]\nhost=service.example\nport=1\ndbname=service\n";
    let file = home.path().join(".pg_service.conf");
    crate::private_file::replace_private(&file, content.as_bytes()).unwrap();
    let home = home.path().to_str().unwrap();
    let set = [
        ("HOME", home),
        ("PGHOST", "environment.example"),
        ("PGPORT", "2"),
        ("PGDATABASE", "environment"),
        ("PGUSER", "environment"),
        ("PGHOSTADDR", "192.0.2.7"),
    ];
    let found = parse_with("service=team port=3", &set).unwrap();
    assert_eq!(found.shown(), "postgres://environment@service.example:3/service");
    let address: IpAddr = "192.0.2.7".parse().unwrap();
    assert!(matches!(&found.places[0].0, Place::Host { address: Some(it), .. } if *it == address));
    let with_service: Vec<_> = set.iter().copied().chain([("PGSERVICE", "team")]).collect();
    let found = parse_with("postgres:///x", &with_service).unwrap();
    assert_eq!(found.shown(), "postgres://environment@service.example:1/x");
    let found = parse_with("postgres://", &set).unwrap();
    assert_eq!(found.shown(), "postgres://environment@environment.example:2/environment");
}

#[test]
fn a_password_file_is_read_if_nobody_else_can_read_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(".pgpass");
    let content =
        "*:*:*:other:wrong\ndb.example:*:vault:tok:made-up\nlocalhost:*:*:tok:of-socket\n";
    crate::private_file::replace_private(&path, content.as_bytes()).unwrap();
    let home = home.path().to_str().unwrap();
    let password = |text: &str, extra: &[(&str, &str)]| {
        let set: Vec<_> = [("HOME", home)].iter().chain(extra).copied().collect();
        password_of(&parse_with(text, &set).unwrap())
    };
    let mode = |mode| {
        std::fs::set_permissions(Path::new(&path), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let text = "postgres://tok@db.example/vault";
    mode(0o640);
    assert_eq!(password(text, &[]), None);
    mode(0o600);
    assert_eq!(password(text, &[]).as_deref(), Some("made-up"));
    assert_eq!(password("host=/var/run/postgresql user=tok", &[]).as_deref(), Some("of-socket"));
    assert_eq!(password("postgres://tok@db.example/x", &[]), None);
    assert_eq!(password(text, &[("PGPASSWORD", "other")]).as_deref(), Some("other"));
    assert_eq!(password("postgres://tok:own@db.example/vault", &[]).as_deref(), Some("own"));
    assert_eq!(password(text, &[("PGPASSFILE", "/nowhere")]), None);
}

#[test]
fn an_address_shows_no_password() {
    let address = parse("postgres://tok:made-up-password@db.example/v").unwrap();
    assert!(!format!("{address:?} {}", address.shown()).contains("made-up-password"));
}
