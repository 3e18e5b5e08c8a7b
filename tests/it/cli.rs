//! The real binary: usage, configuration, help, and commands against the embedded AWS.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A home of its own, so that nothing of the machine's is read or written.
pub(crate) struct Home {
    dir: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    /// Gives every command from now on this variable too.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Another home with the same variables.
    pub(crate) fn elsewhere(&self) -> Self {
        Self { variables: self.variables.clone(), ..Self::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command
            .args(words)
            .env_clear()
            .env("HOME", self.path())
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .env("TIDEGATE_STATE_DIR", self.path().join("state"))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        Ran::from(self.command(words).output().unwrap())
    }

    /// Runs a command that has to end with this exit code.
    pub(crate) fn expect(&self, code: i32, words: &[&str]) -> Ran {
        let ran = self.run(words);
        assert_eq!(ran.code, Some(code), "tidegate {}: {ran:?}", words.join(" "));
        ran
    }
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The document that was printed, which follows its schema.
    pub(crate) fn json(&self) -> Value {
        let document = serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        crate::schemas::check(&document);
        document
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// `tidegate sim`, until it is dropped.
pub(crate) struct Sim {
    process: Child,
    pub(crate) home: Home,
}

impl Sim {
    pub(crate) fn start(words: &[&str]) -> Self {
        let mut home = Home::new();
        let mut process =
            home.command(&[&["sim"], words].concat()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        for _ in 0..5 {
            let line = lines.next().unwrap().unwrap();
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            home.variables.push((name.to_owned(), value.to_owned()));
        }
        Self { process, home }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn wrong_usage_and_configuration_end_with_2_and_say_what_is_wrong() {
    let home = Home::new();
    let broken = home.path().join("broken.toml");
    std::fs::write(&broken, "bake = '5m'\nno_such_setting = true\n").unwrap();
    let broken = broken.to_str().unwrap();
    let table: [(&[&str], &[&str]); 9] = [
        (&["--no-such-flag"], &["--no-such-flag"]),
        (&["no-such-command"], &["no-such-command"]),
        (&["step"], &["SERVICE"]),
        (&["step", "checkout", "--to", "101", "--yes"], &["101"]),
        (
            &["--config", broken, "step", "checkout", "--yes"],
            &["no_such_setting", "line 2, column 1", "expected one of"],
        ),
        (&["--config", "/nowhere.toml", "status"], &["/nowhere.toml"]),
        (&["--environment", "moon", "status"], &["moon"]),
        (&["sim", "--scenario", "no-such"], &["no-such", "good-release"]),
        (&["status"], &["region", "--region"]),
    ];
    for (words, parts) in table {
        let ran = home.expect(2, words);
        assert!(parts.iter().all(|part| ran.err.contains(part)), "{words:?}: {ran:?}");
        assert!(ran.out.is_empty() && !ran.err.contains("panicked"), "{words:?}: {ran:?}");
    }
    for command in ["step", "finish", "rollback"] {
        let ran = home.expect(2, &["--region", "us-east-1", command, "checkout"]);
        assert!(ran.err.contains("--yes"), "{ran:?}");
    }
}

#[test]
fn without_a_terminal_there_is_no_console() {
    let home = Home::new();
    for words in [&[][..], &["console"], &["demo"]] {
        let ran = home.expect(2, words);
        assert!(ran.err.contains("terminal") && ran.err.contains("status"), "{ran:?}");
    }
}

#[test]
fn help_version_and_completions() {
    let home = Home::new();
    let help = home.expect(0, &["--help"]).out;
    for word in [
        "status",
        "watch",
        "history",
        "step",
        "start",
        "finish",
        "rollback",
        "config",
        "completions",
        "man",
        "help",
        "sim",
        "demo",
        "Exit codes:",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert_eq!(home.expect(0, &["-V"]).out.trim(), format!("tidegate {}", env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "zsh", "fish"] {
        assert!(home.expect(0, &["completions", shell]).out.contains("tidegate"), "{shell}");
    }
    let config = home.expect(0, &["config", "--region", "eu-west-1"]).out;
    assert!(config.lines().any(|line| line.contains("eu-west-1") && line.contains("(--region)")), "{config}");
    assert_eq!(home.expect(0, &["config", "--json"]).json()["schema"], "tidegate.config/1");
}

#[test]
fn no_credentials_and_nobody_there_are_said_plainly() {
    let mut home = Home::new();
    let ran = home.expect(4, &["--region", "us-east-1", "status", "--json"]);
    assert!(ran.err.contains("AWS_PROFILE") || ran.err.contains("credentials"), "{ran:?}");
    let document = ran.json();
    assert_eq!((&document["schema"], &document["exit"]), (&"tidegate.error/1".into(), &4.into()));
    home.variables.push(("AWS_ACCESS_KEY_ID".into(), "a".into()));
    home.variables.push(("AWS_SECRET_ACCESS_KEY".into(), "b".into()));
    // Nothing listens on port 1.
    let ran = home.expect(4, &["--region", "us-east-1", "--endpoint-url", "http://127.0.0.1:1", "status"]);
    assert!(ran.err.contains("--endpoint-url") && !ran.err.contains("panicked"), "{ran:?}");
}

#[test]
fn the_whole_way_up_and_back_by_commands() {
    let sim = Sim::start(&["--speed", "60"]);
    let home = &sim.home;

    let document = home.expect(0, &["status", "--json"]).json();
    assert_eq!(document["schema"], "tidegate.status/1");
    for service in document["services"].as_array().unwrap() {
        for member in ["name", "cluster", "method", "phase"] {
            assert!(service[member].is_string(), "{member}: {service}");
        }
        let stable = &service["stable"];
        for member in ["service", "task_definition", "weight", "running", "desired", "healthy"] {
            assert!(stable.get(member).is_some(), "{member}: {service}");
        }
        // What is read of a verdict by its first name is read on.
        let verdict = ["opinion", "outcome"].map(|member| service["verdict"][member].as_str().unwrap());
        assert!([["good", "pass"], ["bad", "fail"], ["unsure", "not_yet"]].contains(&verdict), "{service}");
        let rollback = &service["rollback"];
        assert!(rollback["ready"].is_boolean() && rollback["path"].is_string() && rollback["calls"].is_array());
        assert!(rollback.get("target").is_some() && service["data_age_seconds"].is_number(), "{service}");
    }
    let pair = |document: &Value| {
        document["services"].as_array().unwrap().iter().find(|service| service["name"] == "checkout").cloned().unwrap()
    };
    let checkout = pair(&document);
    assert_eq!(checkout["method"], "weighted");
    assert_eq!(checkout["share_percent"]["configured"], 1.0);
    assert_eq!((&checkout["stable"]["weight"], &checkout["canary"]["weight"]), (&99.into(), &1.into()));
    assert_eq!(checkout["rollback"]["ready"], true);
    assert!(checkout["rollback"]["calls"][0].as_str().unwrap().starts_with("ModifyRule"), "{checkout}");

    for name in ["checkout", "checkout-stable", "checkout-canary", "prod/checkout"] {
        assert_eq!(home.expect(0, &["status", name, "--json"]).json()["services"].as_array().unwrap().len(), 1);
    }
    let text = home.expect(0, &["status", "checkout"]).out;
    assert!(text.contains("rollback") && text.contains("READY") && text.contains("checkout-canary"), "{text}");

    let dry = home.expect(0, &["step", "checkout", "--dry-run", "--json"]).json();
    assert_eq!((&dry["schema"], &dry["refused"]), (&"tidegate.plan/1".into(), &Value::Null));
    let refused = home.expect(3, &["--read-only", "step", "checkout", "--dry-run", "--json"]).json();
    assert!(refused["refused"]["reason"].as_str().unwrap().contains("read-only"));
    let ran = home.expect(0, &["step", "checkout", "--to", "1", "--yes"]);
    assert!(ran.out.contains("has 1% of its traffic on the canary already: nothing is sent"), "{ran:?}");

    let step = home.expect(0, &["step", "checkout", "--yes", "--json", "--reason", "looks good"]).json();
    assert_eq!((&step["schema"], &step["outcome"]), (&"tidegate.result/1".into(), &"done".into()));
    assert!(step["steps"].as_array().unwrap().iter().all(|step| step["state"] == "verified"), "{step}");
    let share = &pair(&home.expect(0, &["status", "--json"]).json())["share_percent"];
    assert_eq!((&share["configured"], &share["requested"]), (&10.0.into(), &10.0.into()));

    let back = home.expect(0, &["rollback", "checkout", "--yes", "--json"]).json();
    assert!(back["steps"][0]["call"].as_str().unwrap().starts_with("ModifyRule"), "{back}");
    let checkout = pair(&home.expect(0, &["status", "--json"]).json());
    assert_eq!((&checkout["stable"]["weight"], &checkout["canary"]["weight"]), (&100.into(), &0.into()));
    assert_eq!(checkout["canary"]["desired"], 0);
    let text = home.expect(0, &["status", "checkout"]).out;
    let verdict = text.lines().find(|line| line.starts_with("verdict")).unwrap();
    assert!(verdict.contains("stable alone") && !verdict.contains("canary"), "{verdict}");

    let audit = std::fs::read_to_string(home.path().join("state").join("audit.jsonl")).unwrap();
    assert!(audit.contains("looks good") && audit.contains("rollback"), "{audit}");
}

#[test]
fn what_is_not_there_ends_with_4_and_names_what_is() {
    let sim = Sim::start(&[]);
    let home = &sim.home;
    let table: [(&[&str], &str); 5] = [
        (&["status", "no-such-service"], "no-such-service"),
        (&["status", "chekout"], "checkout"),
        (&["--cluster", "no-such-cluster", "status"], "no-such-cluster"),
        (&["rollback", "search", "--to", ":9999", "--yes"], "9999"),
        (&["--region", "eu-north-1", "status", "checkout"], "region"),
    ];
    for (words, part) in table {
        let ran = home.expect(4, words);
        assert!(ran.err.contains(part), "{words:?}: {ran:?}");
    }
}

#[test]
fn a_rolling_service_is_started_and_taken_back() {
    let sim = Sim::start(&["--speed", "120"]);
    let home = &sim.home;
    let find = |name: &str| home.expect(0, &["status", name, "--json"]).json()["services"][0].clone();
    let search = find("search");
    let before = search["stable"]["task_definition"].as_str().unwrap().to_owned();
    let target = search["previous"][0]["task_definition"].as_str().unwrap().to_owned();
    let tag = format!(":{}", target.rsplit_once(':').unwrap().1);
    home.expect(0, &["start", "search", "--task-definition", &tag, "--yes", "--wait"]);
    assert_eq!(find("search")["stable"]["task_definition"], target.as_str());
    // To start an older one is to go back: nobody is sent to what was left, unless it is named.
    let again = home.expect(0, &["rollback", "search", "--yes", "--wait"]);
    assert!(again.out.contains("was rolled back at") && again.out.contains("nothing is sent"), "{again:?}");
    let left = format!(":{}", before.rsplit_once(':').unwrap().1);
    home.expect(0, &["rollback", "search", "--to", &left, "--yes", "--wait"]);
    assert_eq!(find("search")["stable"]["task_definition"], before.as_str());
}

/// Each line of a watch is a document.
fn lines(ran: &Ran) -> Vec<Value> {
    let document = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    ran.out.lines().map(document).inspect(crate::schemas::check).collect()
}

#[test]
fn a_watch_ends_as_what_it_watches_ends() {
    let table = [
        ("linear", "search", "300", 0, "succeeded", "/search/"),
        ("alarm-rollback", "catalog", "120", 6, "rolled_back", "/catalog/"),
        ("superseded", "orders", "60", 6, "stopped", "/orders/"),
    ];
    for (scenario, name, speed, code, outcome, arn) in table {
        let sim = Sim::start(&["--scenario", scenario, "--speed", speed]);
        let ran = sim.home.expect(code, &["watch", name, "--json"]);
        let lines = lines(&ran);
        let (first, last) = (&lines[0], lines.last().unwrap());
        assert_eq!((&first["schema"], &first["event"]), (&"tidegate.watch/1".into(), &"watching".into()));
        assert_eq!((&last["event"], &last["outcome"]), (&"ended".into(), &outcome.into()), "{last}");
        assert_eq!(last["exit"], code);
        assert!(first["watched"]["arn"].as_str().unwrap().contains(arn), "{first}");
        assert!(lines.iter().all(|line| line["watched"]["arn"] == first["watched"]["arn"]), "one, from first to last");
        assert!(lines.iter().any(|line| line["event"] == "changed"), "{lines:?}");
        // What is asked for afterwards says the same.
        let after = sim.home.run(&["watch", name, "--json", "--timeout", "1s"]);
        let history = sim.home.expect(0, &["history", name, "--json"]).json();
        let deployments = history["services"][0]["deployments"].as_array().unwrap();
        let same = deployments.iter().find(|deployment| deployment["arn"] == first["watched"]["arn"]).unwrap();
        assert_eq!(same["outcome"], outcome);
        match scenario {
            "superseded" => {
                assert_eq!(last["superseded_by"], deployments[0]["arn"]);
                assert_eq!((after.code, same["superseded_by"] == deployments[0]["arn"]), (Some(5), true), "{after:?}");
            }
            _ => assert_eq!(after.code, Some(code), "{after:?}"),
        }
        if outcome == "rolled_back" {
            assert!(last["reason"].as_str().unwrap().contains("alarm"), "{last}");
            assert!(same["rollback"]["to"].as_str().unwrap().ends_with("catalog:141"), "{same}");
        }
    }
}

#[test]
fn a_watch_that_is_interrupted_or_out_of_time_says_that_it_is_not_over() {
    let sim = Sim::start(&["--scenario", "paused-native"]);
    let ran = sim.home.expect(5, &["watch", "payments", "--timeout", "1s"]);
    assert!(ran.out.contains("PAUSED") && ran.out.contains("then ROLLBACK"), "{ran:?}");
    assert!(ran.out.lines().last().unwrap().contains("not over after 1s"), "{ran:?}");
    let mut watching = sim.home.command(&["watch", "payments"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    // Each line is there as soon as it is written.
    assert!(lines.next().unwrap().unwrap().contains("payments deployment"));
    let interrupted = Command::new("kill").args(["-INT", &watching.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(watching.wait().unwrap().code(), Some(130));
    assert!(lines.last().unwrap().unwrap().contains("goes on at AWS"));
}

#[test]
fn the_past_of_a_service_is_told_newest_first() {
    let sim = Sim::start(&["--scenario", "paused-native"]);
    let home = &sim.home;
    let history = home.expect(0, &["history", "payments"]).out;
    let rows: Vec<_> = history.lines().filter(|line| line.contains(" → ") || line.contains(":16 ")).collect();
    assert!(rows[0].contains(":17 → :18") && rows[0].contains("then ROLLBACK"), "{history}");
    assert!(rows[1].contains(":17") && rows[1].contains("succeeded"), "{history}");
    let taken_back = home.expect(0, &["history", "search"]).out;
    assert!(taken_back.contains("rolled back"), "{taken_back}");
    let document = home.expect(0, &["history", "payments", "--limit", "1", "--json"]).json();
    assert_eq!(document["schema"], "tidegate.history/1");
    let service = &document["services"][0];
    assert_eq!((service["deployments"].as_array().unwrap().len(), service["left_off"].as_u64()), (1, Some(2)));
    let newest = &service["deployments"][0];
    assert_eq!((&newest["outcome"], &newest["stage"]), (&Value::Null, &"PRE_PRODUCTION_TRAFFIC_SHIFT".into()));
    assert_eq!(newest["pauses"][0]["then"], "ROLLBACK");
    home.expect(4, &["history", "no-such-service"]);

    let list = home.expect(0, &["rollback", "payments", "--list", "--json"]).json();
    assert_eq!(list["schema"], "tidegate.previous/1");
    let best = &list["previous"][0];
    assert_eq!((best["revision"].as_str(), best["active"].as_bool()), (Some("payments:17"), Some(true)));
    assert!(best["version"].is_string(), "{best}");
    let status = home.expect(0, &["status"]).out;
    let line = status.lines().find(|line| line.contains("payments")).unwrap();
    assert!(line.contains("waiting for you") && line.contains("then ROLLBACK"), "{line}");
    let status = home.expect(0, &["status", "payments", "--json"]).json()["services"][0].clone();
    assert_eq!(status["pauses"][0]["then"], "ROLLBACK");
    assert_eq!(status["stage"], "PRE_PRODUCTION_TRAFFIC_SHIFT");
    assert_eq!(status["deployment"]["status"], "in_progress");
    assert!(status["preflight"].is_object(), "{status}");
}

#[test]
fn a_pair_tells_the_past_of_both_its_services() {
    let sim = Sim::start(&[]);
    let document = sim.home.expect(0, &["history", "checkout", "--json"]).json();
    let services: Vec<_> = document["services"].as_array().unwrap().iter().map(|it| it["service"].as_str()).collect();
    assert_eq!(services, [Some("checkout-stable"), Some("checkout-canary")]);
    let text = sim.home.expect(0, &["history", "checkout"]).out;
    assert!(text.contains("stable  prod/checkout-stable") && text.contains("canary  prod/checkout-canary"), "{text}");
}
