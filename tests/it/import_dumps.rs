//! Tables as the clients of databases and spreadsheets write them out, and the odd forms of values
//! in them.

use serde_json::{Value, json};

use crate::env::{TestEnv, json, stderr};
use crate::import::{file, import, outcomes};
use crate::import_sources::{KEY, PAT};

fn got(env: &TestEnv, provider: &str, user: &str) -> Value {
    json(&env.tokctl(["get", provider, "--user", user, "--format", "json"]).assert().success())
}

const SALLA: &str =
    "user_id,access_token,refresh_token,token_type,expires_at,created_at,updated_at\n";
const ROW: &str = "u-1,made-up-1,made-up-2,bearer,2100-01-01 00:00:00+00,2025-01-01 00:00:00,2025-01-01 00:00:00\n";

#[test]
fn a_table_comes_in_however_its_client_writes_it() {
    let whole = format!("{SALLA}{ROW}");
    let with = |separator: &str| whole.replace(',', separator);
    let framed: Vec<String> = with(" | ").lines().map(|line| format!("| {line} |\n")).collect();
    let framed = framed.concat();
    let object = json!({
        "user_id": "u-1", "access_token": "made-up-1", "refresh_token": "made-up-2",
        "token_type": "bearer", "expires_at": "2100-01-01T00:00:00+00:00", "created_at": null,
    });
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(with("\t").encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let dumps: [(&str, Vec<u8>); 20] = [
        ("csv with names", whole.clone().into()),
        ("csv without names", ROW.into()),
        ("names in upper case", (SALLA.to_uppercase() + ROW).into()),
        ("names in mixed case", (SALLA.replace("user_id", " User_ID ") + ROW).into()),
        ("names in quotes", (format!("\"{}\"\n{ROW}", SALLA.trim().replace(',', "\",\""))).into()),
        (
            "all in quotes",
            format!("\"{}\"\n", whole.trim().replace(',', "\",\"").replace('\n', "\"\n\"")).into(),
        ),
        ("a byte order mark", format!("\u{feff}{whole}").into()),
        ("lines of Windows", whole.replace('\n', "\r\n").into()),
        ("old lines of a Mac", whole.replace('\n', "\r").into()),
        ("a shell of Windows", utf16),
        ("tabs with names", with("\t").into()),
        ("tabs without names", ROW.replace(',', "\t").into()),
        ("semicolons", with(";").into()),
        ("a spreadsheet that says its separator", format!("sep=;\r\n{}", with(";")).into()),
        ("bars", with("|").into()),
        ("bars and a count", format!("{}(1 row)\n", with("|")).into()),
        (
            "aligned",
            format!(
                "{}\n---+---\n{}(1 row)\n\n",
                with(" | ").lines().next().unwrap(),
                ROW.replace(',', " | ")
            )
            .into(),
        ),
        ("in a frame", format!("+---+\n{framed}+---+\n1 row in set (0.00 sec)\n").into()),
        ("a list in JSON", json!([object]).to_string().into()),
        ("a line in JSON", format!("{object}\n").into()),
    ];
    for (name, dump) in dumps {
        let env = TestEnv::new();
        let file = file(&env, "tokens.txt", dump);
        let said = stderr(&import(&env, "salla", &file, &[]).success());
        assert!(said.contains("stored 1 of 1"), "{name}: {said}");
        let one = got(&env, "salla", "u-1");
        assert_eq!(one["access_token"], "made-up-1", "{name}");
        assert_eq!(one["expires_at"], "2100-01-01T00:00:00Z", "{name}");
    }
}

#[test]
fn a_dump_can_come_from_a_pipe() {
    let env = TestEnv::new();
    let piped = env.tokctl(["import", "salla", "-"]).stdin(format!("{SALLA}{ROW}")).assert();
    let said = stderr(&piped.success());
    assert!(said.contains("stored 1 of 1") && !said.contains("shred"), "{said}");
    assert_eq!(got(&env, "salla", "u-1")["access_token"], "made-up-1");
}

#[test]
fn a_value_that_is_not_there_is_none_however_it_is_written() {
    let env = TestEnv::new();
    let line =
        |user: &str, end: &str| format!("{user}\tmade-up-{user}\tNULL\tbearer\t{end}\t\\N\tNULL\n");
    let ends = [
        "NULL",
        "\\N",
        "",
        "0001-01-01 00:00:00",
        "0001-01-01T00:00:00Z",
        "0000-00-00 00:00:00",
        "0",
        "infinity",
    ];
    let lines: String =
        (0..).zip(ends).map(|(number, end)| line(&format!("u-{number}"), end)).collect();
    let file = file(&env, "tokens.tsv", SALLA.replace(',', "\t") + &lines);
    let done = import(&env, "salla", &file, &["--json"]).success();
    let found = outcomes(&done);
    assert_eq!(found.len(), ends.len());
    for (account, one) in found {
        assert_eq!(one["outcome"], "new", "{account}");
        assert_eq!(one["expires_at"], Value::Null, "{account}");
        assert_eq!(one["refreshable"], false, "{account}");
    }
}

#[test]
fn a_quote_without_an_end_keeps_no_other_line_out() {
    let env = TestEnv::new();
    let bad = ROW.replace("u-1", "\"u-0");
    let dump = format!("{SALLA}{bad}{ROW}{}", ROW.replace("u-1", "u-2"));
    let file = file(&env, "tokens.csv", dump);
    let said = stderr(&import(&env, "salla", &file, &[]).code(1));
    assert!(said.contains("skipped line 2: it has more or fewer fields"), "{said}");
    assert!(said.contains("stored 2 of 3, and skipped 1"), "{said}");
}

#[test]
fn every_table_of_agentllm_can_be_a_dump() {
    let env = TestEnv::new().set("AGENTLLM_TOKEN_ENCRYPTION_KEY", KEY);
    let names = "id,user_id,token,server_url,username,created_at,updated_at\n";
    let jira = format!("1,alice,{PAT},https://jira.example.com,,2025-01-01 00:00:00,\n");
    let github = "1,alice,made-up-2,https://api.github.com,alice,2025-01-01 00:00:00,\n";
    let drive = "1,alice,made-up-3,made-up-4,https://oauth2.googleapis.com/token,made-up-id,\
        made-up-secret,\"[\"\"https://www.googleapis.com/auth/drive\"\"]\",2100-01-01 00:00:00,,\n";
    for (name, dump) in [
        ("jira.csv", format!("{names}{jira}")),
        ("github.csv", format!("{names}{github}")),
        ("drive.csv", drive.to_owned()),
    ] {
        import(&env, "agentllm", &file(&env, name, dump), &[]).success();
    }
    assert_eq!(got(&env, "jira-dc", "alice")["access_token"], "made-up-pat");
    assert_eq!(got(&env, "jira-dc", "alice")["server_url"], "https://jira.example.com");
    assert_eq!(got(&env, "github", "alice")["access_token"], "made-up-2");
    let drive = got(&env, "gdrive", "alice");
    assert_eq!(drive["access_token"], "made-up-3");
    assert_eq!(drive["scopes"], json!(["https://www.googleapis.com/auth/drive"]));
    // And without their names.
    let env = TestEnv::new().set("AGENTLLM_TOKEN_ENCRYPTION_KEY", KEY);
    import(&env, "agentllm", &file(&env, "jira.csv", jira), &[]).success();
    import(&env, "agentllm", &file(&env, "github.csv", github), &[]).success();
    assert_eq!(got(&env, "jira-dc", "alice")["access_token"], "made-up-pat");
    assert_eq!(got(&env, "github", "alice")["access_token"], "made-up-2");
}

#[test]
fn pauths_tokens_come_in_from_redis_and_from_columns() {
    let tokens = json!({
        "access_token": "made-up-1", "token_type": "bearer", "expires_in": 3600, "scope": "a b",
    });
    let rows =
        |name: &str, value: &str| json!({ name: "oauth_tokens:alice", value: tokens.to_string() });
    for dump in [
        format!("{}\n", rows("user_id", "tokens")),
        format!("{}\n", rows("key", "value")),
        json!([rows("key", "value")]).to_string(),
        format!("{}\n{}\n", json!({ "oauth_tokens:alice": tokens }), json!({ "bob": tokens })),
        json!({ "oauth_tokens:alice": tokens.to_string() }).to_string(),
        json!({ "alice": { "accessToken": "made-up-1", "tokenType": "bearer", "scope": ["a", "b"] } })
            .to_string(),
        json!([{ "user_id": "alice", "access_token": "made-up-1", "scope": "a b" }]).to_string(),
        "user_id,access_token,scope\nalice,made-up-1,a b\n".into(),
        format!("id\tuser_id\ttokens\n1\talice\t{tokens}\n"),
        format!("1,alice,\"{}\"\n", tokens.to_string().replace('"', "\"\"")),
    ] {
        let env = TestEnv::new()
            .set("TOKCTL_GITHUB_CLIENT_ID", "made-up-id")
            .set("TOKCTL_GITHUB_CLIENT_SECRET", "made-up-secret");
        let file = file(&env, "tokens.txt", &dump);
        import(&env, "pauth", &file, &["--provider", "github"]).success();
        let one = got(&env, "github", "alice");
        assert_eq!(one["access_token"], "made-up-1", "{dump}");
        assert_eq!(one["scopes"], json!(["a", "b"]), "{dump}");
    }
    let env = TestEnv::new();
    let line =
        json!({ "user_id": "a", "tokens": tokens.to_string(), "expires_at": 4_000_000_000_u64 });
    let file = file(&env, "redis.jsonl", line.to_string());
    import(&env, "pauth", &file, &["--provider", "github"]).success();
    assert_eq!(got(&env, "github", "a")["expires_at"], "2096-10-02T07:06:40Z");
}

#[test]
fn two_tables_of_as_many_columns_are_told_apart_without_their_names() {
    for (row, account) in [
        ("u-1\tmade-up-1\tmade-up-2\t2100-01-01 00:00:00\tNULL\n", "etsy/u-1"),
        ("s-1\ta.myshopify.com\tmade-up-1\t1\tNULL\n", "shopify/a.myshopify.com"),
        ("s-1\ta.myshopify.com\tmade-up-1\tt\t2025-01-01 00:00:00\n", "shopify/a.myshopify.com"),
    ] {
        for separator in ["\t", ",", "|"] {
            let env = TestEnv::new();
            let file = file(&env, "dump", row.replace('\t', separator));
            let done = import(&env, "refresh-service", &file, &["--json"]).success();
            assert_eq!(outcomes(&done).into_keys().collect::<Vec<_>>(), [account]);
        }
    }
}

#[test]
fn remotes_come_in_as_rclone_prints_them() {
    let env = TestEnv::new();
    let token = json!({ "access_token": "made-up-1", "expiry": "0001-01-01T00:00:00Z" });
    let dump = json!({
        "work": { "type": "drive", "scope": "drive", "token": token.to_string() },
        "bucket": { "type": "s3", "secret_access_key": "made-up-2" },
        "odd": { "type": "drive", "token": "made-up-3" },
    });
    let file = file(&env, "rclone.json", dump.to_string());
    let said = stderr(&import(&env, "rclone", &file, &[]).code(1));
    assert!(said.contains("the remote bucket") && said.contains("`gdrive/odd`"), "{said}");
    assert_eq!(got(&env, "gdrive", "work")["expires_at"], Value::Null);
}

#[test]
fn googles_token_json_comes_in_with_the_client_that_is_configured() {
    let go = r#"{"access_token":"made-up-1","token_type":"Bearer","refresh_token":"made-up-2","expiry":"EXPIRY"}"#;
    let ended = go.replace("EXPIRY", "2020-01-01T00:00:00.123Z");
    let lives = go.replace("EXPIRY", "2100-01-01T00:00:00.123Z");
    let node = r#"{"access_token":"made-up-1","refresh_token":"made-up-2","scope":"a","token_type":"Bearer","expiry_date":4102444800000}"#;
    let named = ["--user", "alice", "--json"];

    // Without a client, a token that lives comes in alone, and one that has ended does not.
    let env = TestEnv::new();
    let dead = file(&env, "dead.json", &ended);
    let said = stderr(&import(&env, "google", &dead, &named).code(1));
    assert!(said.contains("set TOKCTL_GOOGLE_CLIENT_ID and TOKCTL_GOOGLE_CLIENT_SECRET"), "{said}");
    assert!(said.contains("the access token has ended"), "{said}");
    let live = file(&env, "live.json", &lives);
    let done = import(&env, "google", &live, &named).success();
    let said = stderr(&done);
    assert!(said.contains("can't be renewed, since the client"), "{said}");
    assert!(said.contains("TOKCTL_GOOGLE_CLIENT_ID") && !said.contains("other tool"), "{said}");
    assert_eq!(outcomes(&done)["google/alice"]["without_refresh_token"], "no_client");
    assert_eq!(got(&env, "google", "alice")["access_token"], "made-up-1");

    // What is said works: the second import adds what renews it.
    let env = env
        .set("TOKCTL_GOOGLE_CLIENT_ID", "made-up-id")
        .set("TOKCTL_GOOGLE_CLIENT_SECRET", "made-up-secret");
    let done = import(&env, "google", &live, &named).success();
    assert_eq!(outcomes(&done)["google/alice"]["outcome"], "replaced");
    assert_eq!(outcomes(&done)["google/alice"]["refreshable"], true);
    for (user, text) in [("bob", ended.as_str()), ("carol", node)] {
        let file = file(&env, "token.json", text);
        let done = import(&env, "google", &file, &["--user", user, "--json"]).success();
        assert_eq!(outcomes(&done)[&format!("google/{user}")]["refreshable"], true);
    }
    // A client in config.toml serves as well.
    let env = TestEnv::new();
    let secret = env.file("client-secret", "made-up-secret");
    env.config(&format!(
        "[providers.google]\nextends = \"google\"\nclient_id = \"made-up-id\"\nclient_secret_file = \"{}\"\n",
        secret.display()
    ));
    let file = file(&env, "token.json", ended);
    let done = import(&env, "google", &file, &named).success();
    assert_eq!(outcomes(&done)["google/alice"]["refreshable"], true);
}

#[test]
fn a_token_that_has_ended_and_that_nothing_renews_is_told_with_the_login() {
    let env = TestEnv::new();
    let text = "user_id,access_token,expires_at\na,made-up-1,2020-01-01 00:00:00\nb,made-up-2,\n";
    let file = file(&env, "tokens.csv", text);
    let said = stderr(&import(&env, "pauth", &file, &["--provider", "github"]).success());
    let told = "`github/a` has ended and can't be refreshed: tokctl login github/a";
    assert!(said.contains(told) && !said.contains("`github/b` has ended"), "{said}");
}

#[test]
fn a_source_that_does_not_exist_is_refused_with_the_one_that_takes_it() {
    let env = TestEnv::new();
    for (word, instead) in [
        ("csv", "`pauth`"),
        ("JSON", "`google`"),
        ("dotenv", "`tokctl login NAME --token-stdin`"),
        (".env", "`tokctl run --env-file FILE`"),
        ("postgres", "the tool whose table it is"),
        ("redis", "`pauth`"),
        ("gcloud", "`google`"),
        ("shopify", "`refresh-service`"),
        ("1password", "`tokctl login NAME --token-stdin`"),
    ] {
        let failed = env.tokctl(["import", word, "x"]).assert().code(2);
        let said = stderr(&failed);
        assert!(said.contains(&format!("there is no source `{word}`")), "{said}");
        assert!(said.contains(instead), "{said}");
    }
    let said = stderr(&env.tokctl(["import", "nonsense", "x"]).assert().code(2));
    assert!(said.contains("one of bundle, agentllm"), "{said}");
}

#[test]
fn an_empty_file_is_said_to_be_empty() {
    let env = TestEnv::new();
    for content in ["", "\n \n", "\u{feff}"] {
        let file = file(&env, "empty", content);
        for source in
            ["pauth", "google", "rclone", "salla", "agentllm", "refresh-service", "bundle"]
        {
            let failed = import(&env, source, &file, &[]).code(2);
            assert!(stderr(&failed).contains("is empty"), "{source}: {}", stderr(&failed));
        }
    }
    let piped = env.tokctl(["import", "bundle", "-"]).stdin("").assert().code(2);
    assert!(stderr(&piped).contains("it is empty"), "{}", stderr(&piped));
}

#[test]
fn a_document_with_tokens_is_no_token_for_a_login() {
    let env = TestEnv::new();
    let login = ["login", "github", "--user", "x", "--token-stdin"];
    for (text, taken_by) in [
        (r#"{"access_token": "made-up-1", "expires_in": 3600}"#, "tokctl import pauth FILE"),
        (
            "{\n  \"token\": \"made-up-1\",\n  \"token_uri\": \"https://x\"\n}\n",
            "tokctl import google FILE",
        ),
    ] {
        let failed = env.tokctl(login).stdin(text).assert().code(2);
        let said = stderr(&failed);
        assert!(said.contains(taken_by) && !said.contains("made-up"), "{said}");
    }
    env.tokctl(["get"]).assert().code(3);
}

#[test]
fn a_bundle_can_be_looked_at_where_there_is_no_vault() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let key = env.file("bundle.key", crate::env::another_key());
    let key = key.to_str().unwrap();
    let to = format!("key:{key}");
    let sealed = env.tokctl(["export", "vendor/x", "--to", &to]).assert().success();
    let bundle = env.file("x.bundle", &sealed.get_output().stdout);
    let bundle = bundle.to_str().unwrap();
    let look = ["import", "bundle", bundle, "--key-file", key, "--dry-run", "--json"];
    for vault in ["other.db", "no/such/folder/tokens.db"] {
        let seen = env.tokctl(look).env("TOKCTL_VAULT", env.path(vault)).assert().success();
        assert_eq!(outcomes(&seen)["vendor/x"]["outcome"], "new");
        assert!(!env.path(vault).exists());
    }
}

#[test]
fn a_bundle_tells_which_definition_its_credentials_lack() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let key = env.file("bundle.key", crate::env::another_key());
    let key = key.to_str().unwrap();
    let to = format!("key:{key}");
    let sealed = env.tokctl(["export", "vendor/x", "--to", &to]).assert().success();
    let other = TestEnv::new();
    let bundle = other.file("x.bundle", &sealed.get_output().stdout);
    let import = ["import", "bundle", bundle.to_str().unwrap(), "--key-file", key];
    let said = stderr(&other.tokctl(import).assert().success());
    assert!(said.contains("`vendor` is not defined here"), "{said}");
    assert!(said.contains("`[providers.vendor]`"), "{said}");
    other.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n");
}
