//! A full, misconfigured or hostile machine: nothing on it stops a rollback, and forward acts stop if something they
//! need is missing.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::cli::{Home, Ran, Sim};

/// Longer than any of these commands takes, yet bounded.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a command to its end; a command that hangs is killed and fails the test.
fn run(command: &mut Command) -> Ran {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (ended, wait) = std::sync::mpsc::channel();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    std::thread::spawn(move || {
        let (mut said, mut remarks) = (String::new(), String::new());
        let both = std::thread::spawn(move || std::io::Read::read_to_string(&mut err, &mut remarks).map(|_| remarks));
        std::io::Read::read_to_string(&mut out, &mut said).unwrap();
        let _ = ended.send((said, both.join().unwrap().unwrap()));
    });
    let Ok((out, err)) = wait.recv_timeout(PATIENCE) else {
        child.kill().unwrap();
        panic!("{command:?} hangs");
    };
    Ran { code: child.wait().unwrap().code(), out, err }
}

/// Runs tidegate with these variables; it must end with this exit code.
fn expect(home: &Home, code: i32, words: &[&str], variables: &[(&str, &str)]) -> Ran {
    let ran = run(home.command(words).envs(variables.iter().copied()));
    assert_eq!(ran.code, Some(code), "{variables:?} tidegate {}: {ran:?}", words.join(" "));
    assert!(!ran.err.contains("panicked"), "{ran:?}");
    ran
}

/// A simulated account in which a rollback has something to do.
fn world() -> Sim {
    Sim::start(&["--scenario", "bad-canary", "--speed", "60"])
}

/// The number of [`obstacles`].
const OBSTACLES: usize = 4;

/// The plan of a rollback: the command can run again and again.
const PLAN_BACK: [&str; 4] = ["rollback", "checkout", "--dry-run", "--json"];

const BACK: [&str; 4] = ["rollback", "checkout", "--yes", "--json"];
const FORWARD: [&str; 3] = ["step", "checkout", "--yes"];

/// Obstacles to a regular file at a path.
fn obstacles(path: &Path) -> Vec<(&'static str, Box<dyn Fn()>)> {
    let at = path.to_owned();
    let make = move |make: fn(&Path)| {
        let at = at.clone();
        Box::new(move || make(&at)) as Box<dyn Fn()>
    };
    vec![
        ("a named pipe", make(|at| assert!(Command::new("mkfifo").arg(at).status().unwrap().success()))),
        ("a directory", make(|at| fs::create_dir(at).unwrap())),
        ("a socket", make(|at| drop(UnixListener::bind(at).unwrap()))),
        (
            "a symbolic link",
            make(|at| {
                fs::write(at.with_extension("victim"), "untouched").unwrap();
                fs::set_permissions(at.with_extension("victim"), Permissions::from_mode(0o644)).unwrap();
                symlink(at.with_extension("victim"), at).unwrap();
            }),
        ),
    ]
}

fn clear(path: &Path) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir(path);
}

/// The home's state directory, created and private.
fn state(home: &Home) -> PathBuf {
    let state = home.path().join("state");
    fs::create_dir_all(&state).unwrap();
    fs::set_permissions(&state, Permissions::from_mode(0o700)).unwrap();
    state
}

#[test]
fn whatever_stands_in_place_of_the_audit_a_rollback_goes_on_and_says_so() {
    for place in 0..OBSTACLES {
        let sim = world();
        let audit = state(&sim.home).join("audit.jsonl");
        let (what, make) = obstacles(&audit).swap_remove(place);
        make();
        let ran = expect(&sim.home, 0, &BACK, &[]);
        let result = ran.json();
        assert_eq!(result["outcome"], "done", "{what}: {ran:?}");
        let trouble = result["audit_trouble"].as_str().unwrap();
        assert!(trouble.contains("audit.jsonl") && trouble.contains(what), "{what}: {trouble}");
        assert!(ran.err.contains("NOT written to the audit"), "{what}: {ran:?}");
        expect(&sim.home, 0, &["status", "checkout"], &[]);
        let ran = expect(&sim.home, 4, &["start", "search", "--task-definition", ":86", "--yes"], &[]);
        assert!(ran.err.contains(what) && ran.err.contains("Nothing was sent"), "{what}: {ran:?}");
        if what == "a symbolic link" {
            let victim = audit.with_extension("victim");
            assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
            assert_eq!(fs::metadata(&victim).unwrap().permissions().mode() & 0o777, 0o644);
        }
    }
}

#[test]
fn whatever_stands_in_place_of_the_log_a_rollback_goes_on_and_says_so() {
    let sim = world();
    let log = state(&sim.home).join("tidegate.log");
    let debug = [("TIDEGATE_LOG", "debug")];
    for (what, make) in obstacles(&log) {
        make();
        let ran = expect(&sim.home, 0, &PLAN_BACK, &debug);
        assert!(ran.err.contains("no log is written") && ran.err.contains(what), "{what}: {ran:?}");
        let ran = expect(&sim.home, 2, &FORWARD, &debug);
        assert!(ran.err.contains("tidegate.log") && ran.err.contains(what), "{what}: {ran:?}");
        clear(&log);
    }
    assert_eq!(fs::read_to_string(log.with_extension("victim")).unwrap(), "untouched");
    let ran = expect(&sim.home, 0, &PLAN_BACK, &[("TIDEGATE_LOG", "everything")]);
    assert!(ran.err.contains("TIDEGATE_LOG") && ran.err.contains("debug"), "{ran:?}");
    // A log file that others could read becomes private.
    fs::write(&log, "").unwrap();
    fs::set_permissions(&log, Permissions::from_mode(0o666)).unwrap();
    expect(&sim.home, 0, &["status"], &debug);
    assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&log).unwrap().contains("DescribeServices"));
}

#[test]
fn a_state_directory_that_others_may_write_is_left_alone_and_a_rollback_goes_on() {
    let sim = world();
    let state = state(&sim.home);
    fs::set_permissions(&state, Permissions::from_mode(0o777)).unwrap();
    let ran = expect(&sim.home, 0, &BACK, &[("TIDEGATE_LOG", "debug")]);
    let trouble = ran.json()["audit_trouble"].as_str().unwrap().to_owned();
    assert!(trouble.contains("others may write"), "{trouble}");
    let ran = expect(&sim.home, 4, &["start", "search", "--task-definition", ":86", "--yes"], &[]);
    assert!(ran.err.contains("others may write") && ran.err.contains("chmod go-w"), "{ran:?}");
    assert_eq!(fs::read_dir(&state).unwrap().count(), 0, "nothing was written there");
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o777);
}

#[test]
fn a_disk_that_takes_no_more_stops_no_rollback() {
    let sim = world();
    state(&sim.home);
    // The limit is in blocks of 512 or 1,024 bytes; zero blocks allow no byte.
    let limited = |sim: &Sim, words: &[&str], to: &str| {
        let tidegate = sim.home.command(words);
        let mut shell = Command::new("sh");
        let line = format!("ulimit -f 0; exec \"$0\" \"$@\" {to}");
        shell.arg("-c").arg(line).arg(tidegate.get_program()).args(tidegate.get_args()).env_clear();
        shell.envs(tidegate.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
        run(&mut shell)
    };
    let ran = limited(&sim, &BACK, "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("the audit is not complete") && ran.err.contains("File too large"), "{ran:?}");
    assert!(ran.json()["audit_trouble"].as_str().unwrap().contains("cannot be written"), "{ran:?}");
    let ran = limited(&sim, &["start", "search", "--task-definition", ":86", "--yes"], "");
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.err.contains("File too large") && ran.err.contains("Nothing was sent"), "{ran:?}");
    // Standard output on a full disk does not stop a rollback either.
    if Path::new("/dev/full").exists() {
        let ran = limited(&world(), &["rollback", "checkout", "--yes"], ">/dev/full");
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.err.contains("done:"), "{ran:?}");
    }
}

#[test]
fn what_is_wrong_in_the_configuration_stops_what_goes_forward_and_no_rollback() {
    let sim = world();
    let path = sim.home.path().join("config.toml");
    let config = format!("--config={}", path.display());
    let table = [
        ("bake = '5m'\nno_such_setting = true", "no_such_setting", "line 2"),
        ("bake = 'soon'", "bake", "line 1"),
        ("[services.checkout]\nladder = [200]", "services.checkout.ladder", "line 2"),
        ("[[[", "the whole configuration", "line 1"),
        ("[[environments]]\nname = 'prod'\nprofile = 5", "environments.prod.profile", "line 3"),
    ];
    for (text, setting, line) in table {
        fs::write(&path, text).unwrap();
        let ran = expect(&sim.home, 0, &[&[config.as_str()][..], &PLAN_BACK].concat(), &[]);
        assert!([setting, line, "WARNING: ignored"].iter().all(|part| ran.err.contains(part)), "{text}: {ran:?}");
        let warnings = ran.json()["plan"]["warnings"].to_string();
        assert!(warnings.contains(setting), "{text}: {warnings}");
        let ran = expect(&sim.home, 0, &[&config, "status", "--json"], &[]);
        assert!(ran.json()["ignored"][0].as_str().unwrap().contains(setting), "{text}: {ran:?}");
        let ran = expect(&sim.home, 2, &[&[config.as_str()][..], &FORWARD].concat(), &[]);
        assert!(ran.err.contains(line), "{text}: {ran:?}");
    }
    // Only the file could identify the account of prod.
    for text in ["[[[", "[[environments]]\nname = 'prod'\nproflie = 'x'"] {
        fs::write(&path, text).unwrap();
        let ran = expect(&sim.home, 2, &[&[config.as_str(), "-e", "prod"][..], &BACK].concat(), &[]);
        assert!(ran.err.contains("line"), "{ran:?}");
    }
}

#[test]
fn whatever_stands_in_place_of_a_file_that_is_read_is_named_and_never_waited_for() {
    let sim = world();
    let path = sim.home.path().join("input.toml");
    let name = path.to_str().unwrap();
    for (what, make) in obstacles(&path).into_iter().filter(|(what, _)| *what != "a symbolic link") {
        make();
        for words in [
            &["judge", name][..],
            &["replay", "--print", name],
            &["sim", "--scenario", name],
            &["--config", name, "step", "checkout", "--yes"],
        ] {
            let ran = expect(&sim.home, 2, words, &[]);
            assert!(ran.err.contains(what), "{what} {words:?}: {ran:?}");
        }
        let ran = expect(&sim.home, 0, &[&["--config", name][..], &PLAN_BACK].concat(), &[]);
        assert!(ran.err.contains(what) && ran.err.contains("the whole configuration"), "{ran:?}");
        clear(&path);
    }
    let services = state(&sim.home).join("services.json");
    for (what, make) in obstacles(&services) {
        clear(&services);
        make();
        expect(&sim.home, 0, &PLAN_BACK, &[]);
        expect(&sim.home, 0, &["status"], &[]);
        assert!(!services.with_extension("victim").exists() || what == "a symbolic link");
        clear(&services);
    }
    assert_eq!(fs::read_to_string(services.with_extension("victim")).unwrap(), "untouched");
}

#[test]
fn settings_of_aws_are_taken_as_aws_takes_them_or_named() {
    let sim = world();
    let files = sim.home.path().join("aws-config");
    let config_file = files.to_str().unwrap();
    fs::write(&files, "[default]\nretry_mode = legacy\nmax_attempts = 0\n").unwrap();
    let taken: [&[(&str, &str)]; 12] = [
        &[("AWS_RETRY_MODE", "legacy")],
        &[("AWS_RETRY_MODE", "unheard-of")],
        &[("AWS_MAX_ATTEMPTS", "0")],
        &[("AWS_MAX_ATTEMPTS", "abc"), ("AWS_RETRY_MODE", "")],
        &[("AWS_MAX_ATTEMPTS", "-1")],
        &[("AWS_CONFIG_FILE", config_file)],
        &[("AWS_ENDPOINT_URL_ECS", "")],
        &[("AWS_USE_FIPS_ENDPOINT", "maybe")],
        &[("AWS_CA_BUNDLE", "/nowhere")],
        &[("AWS_PROFILE", "")],
        &[("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")],
        &[("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "us-east-1")],
    ];
    for variables in taken {
        expect(&sim.home, 0, &PLAN_BACK, variables);
    }
    let refused: [(&[(&str, &str)], &[&str]); 7] = [
        (&[("AWS_ENDPOINT_URL_ECS", "nonsense")], &["AWS_ENDPOINT_URL_ECS", "nonsense", "http://"]),
        (&[("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", "http://")], &["AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"]),
        (&[("AWS_ENDPOINT_URL", "ftp://me:hunter2@host")], &["AWS_ENDPOINT_URL", "me:***@host"]),
        (&[("AWS_REGION", "a/b")], &["AWS_REGION", "a/b", "eu-west-1"]),
        (&[("AWS_REGION", "")], &["no region", "AWS_REGION"]),
        (&[("AWS_CONFIG_FILE", "BROKEN"), ("AWS_PROFILE", "x")], &["AWS_PROFILE", "profile x"]),
        (&[("AWS_CONFIG_FILE", "PIPE")], &["AWS_CONFIG_FILE", "named pipe"]),
    ];
    let (pipe, broken) = (sim.home.path().join("pipe"), sim.home.path().join("broken"));
    fs::write(&broken, "[profile x\nregion us-east-1\n").unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (variables, parts) in refused {
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| match *value {
                "PIPE" => (*name, pipe.to_str().unwrap()),
                "BROKEN" => (*name, broken.to_str().unwrap()),
                value => (*name, value),
            })
            .collect();
        let ran = expect(&sim.home, 2, &BACK, &variables);
        assert!(parts.iter().all(|part| ran.err.contains(part)), "{variables:?}: {ran:?}");
        assert!(!ran.err.contains("hunter2"), "{ran:?}");
    }
    // Without an endpoint the call goes to AWS, where these keys are invalid; nothing panics.
    let ran = run(sim.home.command(&["status"]).env("AWS_ENDPOINT_URL", "").env("HTTPS_PROXY", "http://127.0.0.1:1"));
    assert_eq!(ran.code, Some(4), "{ran:?}");
    // An operator who names a profile does not mean the exported keys.
    fs::write(&files, "[profile there]\nregion = us-east-1\n").unwrap();
    let there = [("AWS_CONFIG_FILE", config_file), ("AWS_PROFILE", "there")];
    expect(&sim.home, 0, &["status"], &there);
    let ran = expect(&sim.home, 4, &BACK, &[there[0], ("AWS_PROFILE", "x")]);
    assert!(ran.err.contains("the config profile (x) could not be found"), "{ran:?}");
}
