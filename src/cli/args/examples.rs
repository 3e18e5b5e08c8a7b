//! The examples of each command: the end of its `--help`, and a section of its manual page.

/// A command line, and what it is for.
pub(super) type Example = (&'static str, &'static str);

/// The examples, by command.
pub(crate) const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "console",
        &[
            ("tidegate", "Open the console on the first environment of the configuration file"),
            ("tidegate -e prod --read-only", "Look at production; every key that changes something is refused"),
            ("tidegate --profile dev --region eu-west-1", "Open an account that is in no configuration file"),
        ],
    ),
    (
        "demo",
        &[
            ("tidegate demo", "Try the console; it needs no AWS account"),
            ("tidegate demo --scenario bad-canary", "Watch a canary fail, and press R to roll it back"),
            ("tidegate demo --scenario linear --speed 10", "Let the simulated clock run ten times as fast"),
        ],
    ),
    (
        "sim",
        &[
            ("tidegate sim --port 4566", "Serve the simulated account on port 4566"),
            ("tidegate sim --scenario bad-canary --seed 7", "Serve another scenario, the same on every run"),
        ],
    ),
    (
        "replay",
        &[
            ("tidegate replay incident.jsonl", "Play a session that TIDEGATE_RECORD=incident.jsonl recorded"),
            ("tidegate replay incident.jsonl --speed 20", "Play it twenty times as fast"),
            ("tidegate replay incident.jsonl --print --at 1200", "Print the screen after 1,200 messages"),
        ],
    ),
    (
        "status",
        &[
            ("tidegate status", "Show every release, the most urgent first"),
            ("tidegate status checkout", "Show one release in full"),
            ("tidegate status checkout --json", "Print one release as a JSON document, for scripts"),
        ],
    ),
    (
        "watch",
        &[
            ("tidegate watch checkout", "Follow the release until it is over"),
            ("tidegate watch checkout --timeout 2h", "Give up after two hours, with exit code 5"),
            ("tidegate watch checkout --until pass", "Wait until the verdict is PASS"),
            ("tidegate watch checkout --json", "Print each change as a JSON document on a line of its own"),
        ],
    ),
    (
        "history",
        &[
            ("tidegate history checkout", "List the last 20 deployments of each of its services"),
            ("tidegate history checkout --limit 3", "List only the last three"),
        ],
    ),
    (
        "diff",
        &[
            ("tidegate diff checkout", "Compare the canary with stable"),
            ("tidegate diff checkout :40 :42", "Compare two revisions"),
            ("tidegate diff checkout :42 --raw", "Print revision 42 as AWS describes it"),
        ],
    ),
    (
        "judge",
        &[
            ("tidegate judge checkout --since 2h", "Judge what was recorded in the last two hours"),
            ("tidegate judge checkout --since 2h --minutes > minutes.json", "Save the recorded metrics to a file"),
            ("tidegate judge minutes.json --service checkout", "Judge the file by the thresholds of checkout"),
        ],
    ),
    (
        "step",
        &[
            ("tidegate step checkout --dry-run", "Print the plan of the next step"),
            ("tidegate step checkout", "Show the plan, ask, and take the next step of the ladder"),
            ("tidegate step payments --hook ecs-pause-1 --yes", "Answer one pause of ECS"),
            ("tidegate step checkout --to 25 --yes", "Send 25 % of the traffic to the canary, without asking"),
        ],
    ),
    (
        "start",
        &[
            ("tidegate start checkout -t :42 --dry-run", "Print the plan of a release of revision 42"),
            ("tidegate start checkout -t :42 --wait --yes", "Start the release from CI, and wait for healthy tasks"),
            ("tidegate start payments -t :19 --pauses", "Pause before each step of ECS until somebody continues"),
        ],
    ),
    (
        "finish",
        &[
            ("tidegate finish checkout --dry-run", "Print the plan"),
            ("tidegate finish checkout --wait", "Promote the canary's revision, and wait for the rollout"),
        ],
    ),
    (
        "rollback",
        &[
            ("tidegate rollback checkout", "Roll back the release that is under way"),
            ("tidegate rollback checkout --list", "List the revisions that a rollback can go to"),
            ("tidegate rollback checkout --to :40", "Roll back to one of them"),
            ("tidegate rollback checkout --yes --reason \"errors since 14:02\"", "Roll back from a script"),
        ],
    ),
    (
        "config",
        &[
            ("tidegate config", "Show the settings of the first environment"),
            ("tidegate config -e prod --json", "Print the settings of prod as a JSON document"),
        ],
    ),
    (
        "completions",
        &[
            ("source <(tidegate completions bash)", "For ~/.bashrc"),
            ("source <(tidegate completions zsh)", "For ~/.zshrc, after compinit"),
            ("tidegate completions fish | source", "For ~/.config/fish/config.fish"),
        ],
    ),
    (
        "man",
        &[
            ("tidegate man | man -l -", "Read the manual page"),
            ("tidegate man ~/.local/share/man/man1", "Install all pages, for `man tidegate` and `man tidegate-status`"),
        ],
    ),
    (
        "help",
        &[
            ("tidegate help", "List the commands and the options of all commands"),
            ("tidegate help rollback", "Explain a command"),
            ("tidegate help topics", "List the topics of the guide"),
            ("tidegate help verdict", "Read the page about one of them"),
        ],
    ),
];

/// The end of the help of `command`.
pub(super) fn examples(command: &str) -> String {
    let of_command = EXAMPLES.iter().filter(|(name, _)| *name == command).flat_map(|(_, examples)| examples.iter());
    let lines = of_command.map(|(line, purpose)| format!("\n  {line}\n      {purpose}"));
    std::iter::once("Examples:".to_owned()).chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{CommandFactory, Parser};

    use super::super::Cli;
    use super::*;

    /// The words of the tidegate command in a line of a shell.
    fn words(line: &str) -> Vec<String> {
        let at = line.find("tidegate").unwrap();
        let end = line.find([')', '|', '>']).filter(|end| *end > at).unwrap_or(line.len());
        shlex::split(&line[at..end]).unwrap()
    }

    #[test]
    fn every_command_has_examples() {
        let commands = Cli::command();
        let commands: BTreeSet<_> = commands.get_subcommands().map(|command| command.get_name()).collect();
        let with_examples: BTreeSet<_> = EXAMPLES.iter().map(|(name, _)| *name).collect();
        assert_eq!(commands, with_examples);
        for (name, examples) in EXAMPLES {
            assert!((2..=4).contains(&examples.len()), "{name}");
        }
    }

    #[test]
    fn every_example_is_a_valid_call_of_its_command() {
        for (name, examples) in EXAMPLES {
            for (line, purpose) in *examples {
                let words = words(line);
                match Cli::try_parse_from(&words) {
                    Ok(_) => {}
                    Err(error) => panic!("{line}: {error}"),
                }
                // The console is also what runs without a command.
                assert!(*name == "console" || words[1] == *name, "{line}");
                assert!(!purpose.ends_with('.') && 6 + purpose.chars().count() <= 80, "{purpose}");
                assert!(2 + line.chars().count() <= 80, "{line}");
            }
        }
    }

    #[test]
    fn the_help_of_a_command_ends_with_its_examples() {
        for (name, _) in EXAMPLES {
            let help = Cli::try_parse_from(["tidegate", name, "--help"]).unwrap_err().to_string();
            assert!(help.trim_end().ends_with(&examples(name)), "{help}");
        }
    }
}
