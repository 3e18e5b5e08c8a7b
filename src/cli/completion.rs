//! Shell completion: the script that calls tidegate on each press of Tab, and the response to the shell.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, CommandFactory};
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};

use super::args::Cli;
use super::exit::{Failure, internal};

/// The variable that the script sets to the shell's name.
const VARIABLE: &str = "TIDEGATE_COMPLETE";

const NAME: &str = "tidegate";

/// Completes a line for a shell and ends the process; returns if no shell requested a completion. Must be called before
/// the process has other threads.
pub fn answer_shell() {
    CompleteEnv::with_factory(command).var(VARIABLE).complete();
}

/// The commands for completion. Options are offered only if no value fits, or after a `-`; otherwise a list of services
/// would end with the twelve options of every command.
fn command() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    options_last(command)
}

fn options_last(command: clap::Command) -> clap::Command {
    let last = |arg: Arg| if arg.is_positional() { arg } else { arg.hide(true) };
    command.mut_args(last).mut_subcommands(options_last)
}

/// The completion script for `shell`.
pub(super) fn script(shell: Shell) -> Result<String, Failure> {
    let completer = called_as(std::env::args_os().next(), std::env::current_dir().ok().as_deref());
    let failed = |error: std::io::Error| internal("cannot write the completion script", error);
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(&shell.to_string()) else {
        return Err(failed(std::io::Error::other(format!("no script for {shell}"))));
    };
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, NAME, NAME, &completer, &mut script).map_err(failed)?;
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// The path by which the script calls tidegate: the bare name if the shell found tidegate in PATH, else the full path.
fn called_as(word: Option<OsString>, current_dir: Option<&Path>) -> String {
    let path = word.map(PathBuf::from).unwrap_or_else(|| PathBuf::from(NAME));
    let path = match current_dir {
        Some(dir) if path.components().count() > 1 => dir.join(path),
        _ => path,
    };
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_calls_the_program_that_wrote_it() {
        let dir = Some(Path::new("/src"));
        assert_eq!(called_as(Some("tidegate".into()), dir), "tidegate");
        assert_eq!(called_as(Some("target/debug/tidegate".into()), dir), "/src/target/debug/tidegate");
        assert_eq!(called_as(Some("/opt/tidegate".into()), dir), "/opt/tidegate");
        assert_eq!(called_as(None, dir), "tidegate");
    }

    #[test]
    fn every_shell_has_a_script() {
        for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
            assert!(script(shell).unwrap().contains(VARIABLE), "{shell}");
        }
    }

    #[test]
    fn completion_knows_the_same_commands_as_the_command_line() {
        let names = |command: &clap::Command| -> Vec<_> {
            command.get_subcommands().map(|command| command.get_name().to_owned()).collect()
        };
        assert_eq!(names(&command()), names(&Cli::command()));
    }
}
