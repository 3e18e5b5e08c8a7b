//! `help`: what `--help` says, without the dashes.

use clap::{CommandFactory, Parser};

use super::args::Cli;
use super::exit::{Exit, Failure};

/// Prints the help of the command that `words` name, or that of tidegate itself. Returns the exit code.
pub(super) fn print(words: &[String]) -> Result<u8, Failure> {
    known(words)?;
    let line = std::iter::once("tidegate").chain(words.iter().map(String::as_str));
    match Cli::try_parse_from(line.chain(["--help"])) {
        Ok(_) => Ok(Exit::Done.code()),
        Err(error) => {
            // The help is printed here. Where that fails, there is nobody to tell.
            let _ = error.print();
            Ok(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code()))
        }
    }
}

/// Refuses words after the last command: clap would explain the command and pass over them. A first word that is no
/// command is left to clap, which knows what looks like it.
fn known(words: &[String]) -> Result<(), Failure> {
    let mut command = Cli::command();
    for (index, word) in words.iter().enumerate() {
        match command.find_subcommand(word).cloned() {
            Some(subcommand) => command = subcommand,
            None if index == 0 => return Ok(()),
            None => {
                let path = words.get(..index).unwrap_or_default().join(" ");
                return Err(Failure::usage(
                    format!("tidegate {path} has no command {word}."),
                    format!("See `tidegate help {path}`."),
                ));
            }
        }
    }
    Ok(())
}
