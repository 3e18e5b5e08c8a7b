//! The guide: a page for each topic, printed by `tidegate help TOPIC`.

#[cfg(test)]
mod tests;

use clap::CommandFactory;
use regex::Regex;

use super::args::Cli;
use super::exit::{Exit, Failure};
use super::format::columns;
use super::help;
use super::out::Out;

/// The word that lists the topics.
const LIST: &str = "topics";

/// The pages by topic, in the order of README's list.
const PAGES: [(&str, &str); 20] = [
    ("setup", include_str!("../../assets/guide/setup.md")),
    ("methods", include_str!("../../assets/guide/methods.md")),
    ("configuration", include_str!("../../assets/guide/configuration.md")),
    ("iam", include_str!("../../assets/guide/iam.md")),
    ("costs", include_str!("../../assets/guide/costs.md")),
    ("keys", include_str!("../../assets/guide/keys.md")),
    ("screens", include_str!("../../assets/guide/screens.md")),
    ("commands", include_str!("../../assets/guide/commands.md")),
    ("automatic", include_str!("../../assets/guide/automatic.md")),
    ("ci", include_str!("../../assets/guide/ci.md")),
    ("verdict", include_str!("../../assets/guide/verdict.md")),
    ("metrics", include_str!("../../assets/guide/metrics.md")),
    ("json", include_str!("../../assets/guide/json.md")),
    ("exit-codes", include_str!("../../assets/guide/exit-codes.md")),
    ("audit", include_str!("../../assets/guide/audit.md")),
    ("recording", include_str!("../../assets/guide/recording.md")),
    ("troubleshooting", include_str!("../../assets/guide/troubleshooting.md")),
    ("glossary", include_str!("../../assets/guide/glossary.md")),
    ("simulator", include_str!("../../assets/guide/simulator.md")),
    ("architecture", include_str!("../../assets/guide/architecture.md")),
];

/// The topics, each with a sentence about its page.
pub(super) fn topics() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGES.iter().map(|(topic, page)| (*topic, sentence(page)))
}

/// Prints the page of a topic, the list of topics, or the help of a command. Returns the exit code.
pub(super) fn print(out: &mut Out, words: &[String]) -> Result<u8, Failure> {
    match words {
        [topic] if topic == LIST => out.say(&list())?,
        [topic] if !is_command(topic) => {
            let page = page(topic).ok_or_else(|| unknown(topic))?;
            out.say(&plain(page))?;
        }
        _ => return help::print(words),
    }
    Ok(Exit::Done.code())
}

fn page(topic: &str) -> Option<&'static str> {
    PAGES.iter().find(|(name, _)| *name == topic).map(|(_, page)| *page)
}

/// The sentence below a page's title.
fn sentence(page: &str) -> &str {
    page.lines().skip(1).find(|line| !line.is_empty()).unwrap_or_default()
}

/// A page for a terminal: a link is its text, since nobody can follow it there.
fn plain(page: &str) -> String {
    let link = Regex::new(r"\[([^\[\]\n]+)\]\([^()\n]+\)");
    link.map_or_else(|_| page.to_owned(), |link| link.replace_all(page, "$1").into_owned())
}

fn list() -> String {
    let rows: Vec<_> = topics().map(|(topic, sentence)| vec![format!("  {topic}"), sentence.to_owned()]).collect();
    let title = "Topics of the guide; `tidegate help TOPIC` prints a page.".to_owned();
    [title, String::new()].into_iter().chain(columns(&rows)).collect::<Vec<_>>().join("\n")
}

fn unknown(topic: &str) -> Failure {
    Failure::usage(format!("There is no command and no topic {topic}."), list())
}

fn is_command(word: &str) -> bool {
    Cli::command().find_subcommand(word).is_some()
}
