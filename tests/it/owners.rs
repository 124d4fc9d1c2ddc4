//! Who may write what tokctl relies on: modes, owners, groups, umasks, links and mounts.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::env::{TestEnv, made_up_key, private_folder, set_mode, stderr};

/// A user and a group that no system has.
const SOMEBODY: u32 = 64_999;
const GROUP: u32 = 64_998;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Runs `script` as [`SOMEBODY`], where `$0` is tokctl.
fn as_somebody(env: &TestEnv, script: &str) -> Output {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script]).arg(snapbox::cmd::cargo_bin("tokctl")).stdin(Stdio::null());
    env.settle(&mut shell);
    shell.current_dir("/").uid(SOMEBODY).gid(GROUP).output().unwrap()
}

/// A world of [`SOMEBODY`]; `None` where only root could make one.
fn world_of_somebody() -> Option<TestEnv> {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    if chown(env.path(""), Some(SOMEBODY), Some(GROUP)).is_err() {
        eprintln!("skipped: nobody but root can give files away");
        return None;
    }
    give_away(&env.path(""), SOMEBODY, GROUP);
    Some(env)
}

fn give_away(path: &Path, user: u32, group: u32) {
    chown(path, Some(user), Some(group)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path(), user, group);
        }
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_others_can_write_is_no_damage_and_one_command_mends_all_of_it() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    for places in
        [&[""][..], &["tokens.db"], &["tokens.db.d"], &["tokens.db-wal"], &["", "tokens.db"]]
    {
        for place in places {
            let path = env.path("data/tokctl").join(place);
            fs::OpenOptions::new().append(true).create(!path.exists()).open(&path).ok();
            set_mode(&path, if path.is_dir() { 0o777 } else { 0o666 });
        }
        let failed = env.tokctl(["get"]).assert().code(1).stdout_eq("");
        let said = stderr(&failed);
        let hint = said.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap();
        assert!(hint.starts_with("chmod go-w "), "{said}");
        assert!(Command::new("sh").args(["-c", hint]).status().unwrap().success());
        env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n");
    }
}

#[test]
fn every_directory_on_the_way_counts() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let key = env.file("key", made_up_key());
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_KEY_FILE", key);
    env.tokctl(["get"]).assert().success();
    set_mode(&env.path("data"), 0o777);
    env.tokctl(["get"]).assert().code(1).stdout_eq("");
    set_mode(&env.path("data"), 0o700);
    set_mode(&env.path("config"), 0o777);
    env.tokctl(["providers"]).assert().code(2);
    set_mode(&env.path("config"), 0o700);
    let open = env.path("open/keys");
    fs::create_dir_all(&open).unwrap();
    fs::rename(env.path("key"), open.join("key")).unwrap();
    set_mode(&env.path("open"), 0o777);
    let env = env.set("TOKCTL_KEY_FILE", open.join("key"));
    env.tokctl(["get"]).assert().code(5).stdout_eq("");
    set_mode(&env.path("open"), 0o755);
    env.tokctl(["get"]).assert().success();
}

#[test]
fn what_a_link_leads_through_counts_as_well() {
    let env = TestEnv::new();
    let (open, config) = (env.path("open"), env.path("config/tokctl/config.toml"));
    private_folder(&open);
    fs::write(open.join("real.toml"), "default_user = \"x\"\n").unwrap();
    symlink(open.join("real.toml"), &config).unwrap();
    env.tokctl(["providers"]).assert().success();
    set_mode(&open, 0o777);
    env.tokctl(["providers"]).assert().code(2);
}

#[test]
fn nothing_private_lies_directly_in_a_directory_for_everybody() {
    let env = TestEnv::new();
    let everybody = env.path("everybody");
    private_folder(&everybody);
    set_mode(&everybody, 0o1777);
    env.define_vendor();
    let login = ["login", "vendor", "--user", "x", "--token-stdin", "--vault"];
    let place = |name: &str| everybody.join(name).into_os_string().into_string().unwrap();
    let with =
        |path: String| login.iter().map(|arg| (*arg).to_owned()).chain([path]).collect::<Vec<_>>();
    env.tokctl(with(place("tokens.db"))).stdin("made-up").assert().code(2);
    assert!(!everybody.join("tokens.db").exists());
    env.tokctl(with(place("mine/tokens.db"))).stdin("made-up").assert().success();
    fs::write(everybody.join("key"), made_up_key()).unwrap();
    set_mode(&everybody.join("key"), 0o600);
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_KEY_FILE", everybody.join("key"));
    env.tokctl(["get", "--vault", &place("mine/tokens.db")]).assert().code(5);
}

#[test]
fn a_link_among_the_files_of_the_vault_is_not_followed() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let victim = env.file("victim", "precious");
    let sidecar = env.path("data/tokctl/tokens.db.d");
    for entry in fs::read_dir(&sidecar).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "lock") {
            fs::remove_file(&path).unwrap();
            symlink(env.path("made-by-a-link"), &path).unwrap();
        }
    }
    env.tokctl(["delete", "--yes", "--no-revoke"]).assert().failure();
    assert!(!env.path("made-by-a-link").exists());
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
}

#[test]
fn an_env_file_that_others_can_write_is_refused() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let file = env.file("env", "A=plain\n");
    let run = |code| {
        env.tokctl(["run", "--env-file", file.to_str().unwrap(), "--", "true"]).assert().code(code);
    };
    set_mode(&file, 0o666);
    run(2);
    set_mode(&file, 0o644);
    run(0);
}

#[test]
fn files_of_tokens_need_a_way_that_nobody_else_can_change() {
    let env = TestEnv::new().with_static_token("x", "made-up-token").unset("XDG_RUNTIME_DIR");
    let run = ["run", "--file", "T=tokctl://vendor/x", "--", "true"];
    env.tokctl(run).assert().success();
    set_mode(&env.path("tmp"), 0o777);
    env.tokctl(run).assert().failure();
    set_mode(&env.path("tmp"), 0o1777);
    env.tokctl(run).assert().success();
}

#[test]
fn a_pipe_that_brings_no_key_is_given_up() {
    let env = TestEnv::new().with_static_token("x", "made-up-token").unset("TOKCTL_KEY");
    let pipe = env.path("pipe");
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status().unwrap().success());
    let env = env.set("TOKCTL_KEY_FILE", pipe);
    let begun = Instant::now();
    env.tokctl(["get"]).assert().code(5).stdout_eq("");
    assert!(begun.elapsed() < Duration::from_secs(30));
    let env = env.unset("TOKCTL_KEY_FILE").set("TOKCTL_KEY_COMMAND", "sleep 100");
    let failed = env.tokctl(["get"]).assert().code(5).stdout_eq("");
    assert!(stderr(&failed).contains("within 10 s"), "{}", stderr(&failed));
    assert!(begun.elapsed() < Duration::from_secs(50));
}

#[test]
fn a_umask_that_takes_from_the_owner_leaves_a_whole_vault() {
    for umask in ["0137", "0177", "0277", "0777", "0002"] {
        let Some(env) = world_of_somebody() else { return };
        fs::remove_dir_all(env.path("data/tokctl")).unwrap();
        let login = "echo made-up-other | \"$0\" login github --user y --token-stdin";
        let script = format!("umask {umask}; {login} && {login} && exec \"$0\" get");
        let done = as_somebody(&env, &script);
        assert_eq!(done.stdout, b"made-up-other\n", "{umask}: {}", said(&done));
        assert_eq!(mode(&env.path("data/tokctl")), 0o700, "{umask}");
        assert_eq!(mode(&env.path("data/tokctl/tokens.db")), 0o600, "{umask}");
        for entry in fs::read_dir(env.path("state/tokctl")).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{umask}: {}", path.display());
        }
    }
}

#[test]
fn root_does_not_use_another_users_vault() {
    let Some(env) = world_of_somebody() else { return };
    let failed = env.tokctl(["get"]).assert().code(1).stdout_eq("");
    let said = stderr(&failed);
    assert!(said.contains("run it as user 64999") && !said.contains("chown"), "{said}");
}

#[test]
fn a_group_that_gained_rights_at_a_mount_loses_them_again() {
    let Some(env) = world_of_somebody() else { return };
    let folder = env.path("data/tokctl");
    set_mode(&folder, 0o2770);
    set_mode(&folder.join("tokens.db.d"), 0o2770);
    set_mode(&folder.join("tokens.db"), 0o660);
    let done = as_somebody(&env, "exec \"$0\" get");
    assert_eq!((done.stdout.as_slice(), said(&done).as_str()), (&b"made-up-token\n"[..], ""));
    assert_eq!(mode(&folder) & 0o022, 0);
    assert_eq!(mode(&folder.join("tokens.db")), 0o600);
    // The mount itself is root's: it stays as it is, and is told.
    chown(env.path("data"), Some(0), Some(GROUP)).unwrap();
    set_mode(&env.path("data"), 0o2770);
    let done = as_somebody(&env, "exec \"$0\" get");
    assert_eq!(done.stdout, b"made-up-token\n");
    assert_eq!(said(&done).lines().count(), 1, "{}", said(&done));
    assert!(said(&done).contains("sudo chmod go-w"), "{}", said(&done));
}

#[test]
fn an_empty_volume_of_a_pod_takes_a_vault_in_a_directory_of_its_own() {
    let Some(env) = world_of_somebody() else { return };
    let volume = env.path("volume");
    fs::create_dir(&volume).unwrap();
    set_mode(&volume, 0o777);
    let login = "echo made-up-other | \"$0\" login github --user y --token-stdin --vault";
    // Where it is a directory like another, everybody could put another vault there.
    let own = "volume/own/tokens.db";
    let done = as_somebody(&env, &format!("cd {}; {login} {own}", env.path("").display()));
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    let mounted = |script: &str| {
        let mut unshare = Command::new("unshare");
        let mount = format!(
            "mount --bind volume volume || exit 77; exec setpriv --reuid {SOMEBODY} --regid 0 \
             --clear-groups sh -c '{script}' \"$0\""
        );
        unshare.args(["-m", "sh", "-c", &mount]).arg(snapbox::cmd::cargo_bin("tokctl"));
        env.settle(&mut unshare);
        unshare.current_dir(env.path("")).output().unwrap()
    };
    let done = mounted(&format!("{login} volume/tokens.db"));
    if matches!(done.status.code(), Some(77)) || said(&done).contains("unshare") {
        return eprintln!("skipped: nothing can be mounted here");
    }
    assert_eq!(done.status.code(), Some(2), "{}", said(&done));
    assert!(said(&done).contains("directory of your own"), "{}", said(&done));
    let done = mounted(&format!("{login} {own} && \"$0\" get github/y --vault {own}"));
    assert_eq!(done.stdout, b"made-up-other\n", "{}", said(&done));
    assert!(said(&done).contains("can be written by others"), "{}", said(&done));
    // A key there is believed as it stands, so it is not taken.
    fs::write(volume.join("key"), made_up_key()).unwrap();
    chown(volume.join("key"), Some(SOMEBODY), None).unwrap();
    set_mode(&volume.join("key"), 0o600);
    let get = format!("unset TOKCTL_KEY; TOKCTL_KEY_FILE=volume/key \"$0\" get --vault {own}");
    assert_eq!(mounted(&get).status.code(), Some(5));
}

#[test]
fn a_volume_is_used_again_after_each_restart_of_its_pod() {
    let Some(env) = world_of_somebody() else { return };
    // As kubelet does for a claim with `fsGroup` at each mount.
    let volume = env.path("data");
    chown(&volume, Some(0), Some(GROUP)).unwrap();
    for _ in 0..2 {
        let add = "chgrp -R \"$0\" \"$1\" && chmod -R g+rwX \"$1\" && find \"$1\" -type d -exec chmod g+s {} +";
        let mut shell = Command::new("sh");
        shell.args(["-c", add]).arg(GROUP.to_string()).arg(&volume);
        assert!(shell.status().unwrap().success());
        let done = as_somebody(&env, "exec \"$0\" get");
        assert_eq!(done.stdout, b"made-up-token\n", "{}", said(&done));
        for entry in fs::read_dir(volume.join("tokctl/tokens.db.d")).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }
}

#[test]
fn configuration_that_a_shared_group_can_write_is_refused() {
    let Some(env) = world_of_somebody() else { return };
    let config: PathBuf = env.path("config/tokctl/config.toml");
    set_mode(&config, 0o664);
    let done = as_somebody(&env, "exec \"$0\" providers");
    assert_eq!(done.status.code(), Some(2), "{}", said(&done));
    // A group of the user's own number is a private one.
    chown(&config, None, Some(SOMEBODY)).unwrap();
    let done = as_somebody(&env, "exec \"$0\" providers");
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
}

#[test]
fn configuration_on_a_read_only_mount_is_read_whatever_its_modes_are() {
    let env = TestEnv::new();
    // As kubelet lays out a ConfigMap.
    let volume = env.path("volume");
    fs::create_dir_all(volume.join("..2027")).unwrap();
    fs::write(volume.join("..2027/config.toml"), "default_user = \"x\"\n").unwrap();
    symlink("..2027", volume.join("..data")).unwrap();
    symlink("..data/config.toml", volume.join("config.toml")).unwrap();
    set_mode(&volume.join("..2027"), 0o777);
    set_mode(&volume, 0o1777);
    let config = volume.join("config.toml");
    env.tokctl(["providers", "--config", config.to_str().unwrap()]).assert().code(2);
    let mount = "mount --bind volume volume && mount -o remount,ro,bind volume || exit 77; \
                 exec \"$0\" providers --config volume/config.toml";
    let mut unshare = Command::new("unshare");
    unshare.args(["-m", "sh", "-c", mount]).arg(snapbox::cmd::cargo_bin("tokctl"));
    env.settle(&mut unshare);
    match unshare.output().map(|done| (done.status.code(), said(&done))) {
        Ok((Some(1 | 77), why)) => eprintln!("skipped: nothing can be mounted here: {why}"),
        Ok((code, said)) => assert_eq!(code, Some(0), "{said}"),
        Err(why) => eprintln!("skipped: nothing can be mounted here: {why}"),
    }
    // What lies in a directory of its own below one for everybody is nobody else's.
    set_mode(&volume.join("..2027"), 0o755);
    env.tokctl(["providers", "--config", config.to_str().unwrap()]).assert().success();
}
