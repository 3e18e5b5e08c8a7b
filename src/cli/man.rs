//! Manual pages, made from the same definitions as `--help`.

use std::fs;
use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};
use strum::IntoEnumIterator;

use super::args::{Cli, EXAMPLES};
use super::exit::{Exit, Failure, internal};
use super::version;

/// The page of tidegate itself.
pub(super) fn main_page() -> Result<String, Failure> {
    let page = render(&built()).map_err(|error| internal("cannot write the manual page", error))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// Writes a page for tidegate and one for each command into `directory`. Returns how many there are.
pub(super) fn write_all(directory: &Path) -> Result<usize, Failure> {
    let failed = |error: io::Error| {
        Failure::usage(
            format!("cannot write manual pages to {}: {error}", directory.display()),
            "Name a directory that you can write to.",
        )
    };
    fs::create_dir_all(directory).map_err(failed)?;
    let command = built();
    let pages: Vec<_> = std::iter::once(&command).chain(shown(&command)).collect();
    for page in &pages {
        fs::write(directory.join(format!("{}.1", page_name(page))), render(page).map_err(failed)?).map_err(failed)?;
    }
    Ok(pages.len())
}

fn built() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    command
}

fn shown(command: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set())
}

/// `tidegate-status`.
fn page_name(command: &clap::Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn render(command: &clap::Command) -> io::Result<Vec<u8>> {
    // The synopsis is the usage of `--help`: one of every option would fill a screen.
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim().to_owned();
    let man = Man::new(command.clone().override_usage(usage).subcommand_help_heading("COMMANDS"))
        .date(version::date().unwrap_or_default())
        .source(format!("tidegate {}", version::SHORT))
        .manual("tidegate manual");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if shown(command).next().is_some() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut end = Roff::new();
    examples(&mut end, command);
    exit_codes(&mut end);
    see_also(&mut end, command);
    end.to_writer(&mut page)?;
    Ok(page)
}

fn examples(roff: &mut Roff, command: &clap::Command) {
    let of_command = EXAMPLES.iter().find(|(name, _)| *name == command.get_name()).map(|(_, examples)| *examples);
    let Some(examples) = of_command else { return };
    roff.control("SH", ["EXAMPLES"]);
    for (line, purpose) in examples {
        roff.control("TP", []);
        roff.text([bold(*line)]);
        roff.text([roman(*purpose)]);
    }
}

fn exit_codes(roff: &mut Roff) {
    roff.control("SH", ["EXIT STATUS"]);
    for exit in Exit::iter() {
        roff.control("TP", []);
        roff.text([bold(exit.code().to_string())]);
        roff.text([roman(exit.meaning())]);
    }
}

fn see_also(roff: &mut Roff, command: &clap::Command) {
    let page = |name: &str| -> [Inline; 2] { [bold(name), roman("(1)")] };
    let commands: Vec<_> = shown(command).map(page_name).collect();
    let names = if commands.is_empty() { vec!["tidegate"] } else { commands };
    let mut line = Vec::new();
    for name in names {
        if !line.is_empty() {
            line.push(roman(", "));
        }
        line.extend(page(name));
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text(line);
}
