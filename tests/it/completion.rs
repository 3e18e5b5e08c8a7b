//! Completion on Tab, from data on this machine alone.

use std::fs;

use super::cli::{Home, Sim};

/// The offers to bash for the last of `words`, which leave out tidegate's name.
fn offered(home: &Home, words: &[&str]) -> Vec<String> {
    let line: Vec<_> = ["--", "tidegate"].iter().chain(words).copied().collect();
    let mut command = home.command(&line);
    command.env("TIDEGATE_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn configure(home: &Home, text: &str) {
    let dir = home.path().join("config/tidegate");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("config.toml"), text).unwrap();
}

#[test]
fn services_that_a_command_read_are_offered_afterwards_without_aws() {
    let sim = Sim::start(&[]);
    let home = &sim.home;
    assert!(offered(home, &["status", ""]).iter().all(|word| word.starts_with('-')));
    home.expect(0, &["status"]);
    let services = offered(home, &["status", ""]);
    assert!(["cart", "checkout", "search"].iter().all(|name| services.iter().any(|it| it == name)), "{services:?}");
    assert!(!services.iter().any(|word| word.starts_with('-')), "{services:?}");
    for command in ["watch", "history", "diff", "judge", "step", "start", "finish", "rollback"] {
        assert_eq!(offered(home, &[command, "checko"]), ["checkout"], "{command}");
    }
    assert_eq!(offered(home, &["rollback", "prod/checko"]), ["prod/checkout"]);
    assert_eq!(offered(home, &["judge", "minutes.json", "--service", "checko"]), ["checkout"]);
    assert_eq!(offered(home, &["status", "--cluster", "p"]), ["prod"]);
    // Another region or endpoint has its own list, which is empty here; the wrong endpoint could not respond.
    assert_eq!(offered(home, &["--region", "eu-west-1", "status", "checko"]), Vec::<String>::new());
    assert_eq!(offered(home, &["status", "--endpoint-url=http://127.0.0.1:1", "checko"]), Vec::<String>::new());
}

#[test]
fn names_of_the_configuration_are_offered() {
    let home = Home::new();
    configure(
        &home,
        "[services.billing]\nbake = '5m'\n[[environments]]\nname = 'prod'\n[[environments]]\nname = 'preview'\n",
    );
    assert_eq!(offered(&home, &["step", "bil"]), ["billing"]);
    assert_eq!(offered(&home, &["status", "-e", "pr"]), ["prod", "preview"]);
    assert_eq!(offered(&home, &["--environment=pre"]), ["--environment=preview"]);
    configure(&home, "bake =");
    assert_eq!(offered(&home, &["step", "bil"]), Vec::<String>::new());
}

#[test]
fn scenarios_and_commands_are_offered() {
    let home = Home::new();
    assert_eq!(offered(&home, &["demo", "--scenario", "bad"]), ["bad-canary"]);
    assert_eq!(offered(&home, &["sim", "--scenario=log-"]), ["--scenario=log-storm"]);
    let scenarios = offered(&home, &["sim", "--scenario", ""]);
    assert!(scenarios.starts_with(&["good-release".to_owned(), "bad-canary".to_owned()]), "{scenarios:?}");
    assert_eq!(offered(&home, &["rol"]), ["rollback"]);
    assert_eq!(offered(&home, &["help", "rol"]), ["rollback", "rollbacks"]);
    assert_eq!(offered(&home, &["help", "gloss"]), ["glossary"]);
    assert_eq!(offered(&home, &["rollback", "checkout", "--at"]), ["--at-once"]);
    assert_eq!(offered(&home, &["completions", "z"]), ["zsh"]);
}

#[test]
fn bash_completes_with_the_script() {
    let home = Home::new();
    configure(&home, "[services.billing]\nbake = '5m'\n");
    let script = home.expect(0, &["completions", "bash"]).out;
    let press_tab = "COMP_WORDS=(tidegate step bil); COMP_CWORD=2; COMP_TYPE=9; \
                     _clap_complete_tidegate tidegate bil step; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", &format!("{script}\n{press_tab}")]).env("HOME", home.path());
    bash.env("XDG_CONFIG_HOME", home.path().join("config")).env("TIDEGATE_STATE_DIR", home.path().join("state"));
    let output = bash.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "billing\n", "{output:?}");
}
