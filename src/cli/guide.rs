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
use super::topics::{self, page};

/// The word that lists the topics.
const LIST: &str = "topics";

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

/// A page for a terminal: a link is its text, since nobody can follow it there.
fn plain(page: &str) -> String {
    let link = Regex::new(r"\[([^\[\]\n]+)\]\([^()\n]+\)");
    link.map_or_else(|_| page.to_owned(), |link| link.replace_all(page, "$1").into_owned())
}

fn list() -> String {
    let rows: Vec<_> = topics::all().map(|(topic, sentence)| vec![format!("  {topic}"), sentence.to_owned()]).collect();
    let title = "Topics of the guide; `tidegate help TOPIC` prints a page.".to_owned();
    [title, String::new()].into_iter().chain(columns(&rows)).collect::<Vec<_>>().join("\n")
}

fn unknown(topic: &str) -> Failure {
    Failure::usage(format!("There is no command and no topic {topic}."), list())
}

fn is_command(word: &str) -> bool {
    Cli::command().find_subcommand(word).is_some()
}
