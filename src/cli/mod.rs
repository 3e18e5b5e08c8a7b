//! The command line: flags and configuration, a command each, one engine behind all of them.

mod act;
mod args;
mod completion;
mod config;
mod console;
mod deployments;
mod diff;
mod exit;
pub(crate) mod format;
mod guide;
mod help;
mod history;
mod judge;
pub(crate) mod logging;
mod lookup;
mod man;
mod observe;
mod out;
mod replay;
mod service_cache;
mod service_recorder;
mod session;
pub(crate) mod simulator;
mod status;
#[cfg(test)]
mod tests;
mod topics;
mod until;
mod version;
mod watch;
mod wording;

use clap::Parser;

use self::act::AskedAct;
use self::args::{Acting, Cli, Command, Global};
pub use self::completion::answer_shell;
use self::config::{Config, Flags, process_variables};
use self::exit::{Exit, Failure};
use self::observe::Observation;
use self::out::Out;
use self::session::Session;
use crate::console::signals::survive_file_size_limit;
use crate::domain::observe::requirements::Scope;
use crate::domain::text::is_safe;

/// Reads the command line and does what it says. Returns the exit code; whatever there was to say has been said.
pub async fn run() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too. Nobody is left to tell if printing fails.
            let text = error.render().to_string();
            if error.use_stderr() && !text.chars().all(|c| c == '\n' || is_safe(c)) {
                // What was typed, or came out of a variable, is repeated there.
                Out::process(false).remark(&text);
            } else {
                let _ = error.print();
            }
            if error.use_stderr() && std::env::args_os().any(|word| word == "--json") {
                // One line: `watch` prints lines.
                let _ = Out::process(true).event(&usage(&text).document());
            }
            return u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code());
        }
    };
    let mut out = Out::process(cli.global.json);
    match dispatch(&mut out, &cli).await {
        Ok(code) => code,
        Err(failure) => {
            tell(&mut out, &failure, matches!(cli.command, Some(Command::Watch(_))));
            failure.exit.code()
        }
    }
}

/// A mistake on the command line, from what clap says of it: the mistake first, then tips and the usage.
fn usage(text: &str) -> Failure {
    let mut parts = text.split("\n\n").map(str::trim).filter(|part| !part.is_empty());
    let message = parts.next().unwrap_or_default().trim_start_matches("error: ");
    Failure::usage(message, parts.collect::<Vec<_>>().join("\n"))
}

/// What happened, to what, and what to do next.
fn tell(out: &mut Out, failure: &Failure, in_a_line: bool) {
    out.remark(&format!("tidegate: {}", failure.message));
    out.remark(&failure.advice);
    if out.json {
        // It has been said on standard error already.
        let document = failure.document();
        let _ = if in_a_line { out.event(&document) } else { out.document(&document) };
    }
}

async fn dispatch(out: &mut Out, cli: &Cli) -> Result<u8, Failure> {
    survive_file_size_limit();
    if let Err(failure) = logging::start() {
        // Nobody needs the log as much as a rollback.
        if !cli.command.as_ref().is_none_or(Command::goes_on) {
            return Err(failure);
        }
        out.remark(&format!("tidegate: no log is written: {} {}", failure.message, failure.advice));
    }
    let exit = match &cli.command {
        None | Some(Command::Console) => return console::open(load(&cli.global)?).await,
        Some(Command::Demo(world)) => return console::demo(config::demo(&Flags::from(&cli.global))?, world).await,
        Some(Command::Watch(watch)) => {
            return watch::watch(out, &Session::watching(load(&cli.global)?).await?, watch).await;
        }
        Some(Command::Replay(options)) => return replay::replay(out, options).await,
        Some(Command::Help(wanted)) => return guide::print(out, &wanted.words),
        Some(Command::Status(wanted)) => print_status(out, cli, wanted).await?,
        Some(Command::Step(step)) => {
            let wish = AskedAct::Step { to: step.to, hook: step.hook.clone() };
            act(out, cli, &step.service, wish, &step.acting).await?
        }
        Some(Command::Start(start)) => {
            let wish = AskedAct::Start { revision: start.task_definition.clone(), pauses: start.pauses };
            act(out, cli, &start.service, wish, &start.acting).await?
        }
        Some(Command::Finish(finish)) => act(out, cli, &finish.service, AskedAct::Finish, &finish.acting).await?,
        Some(Command::Rollback(back)) if back.list => {
            let past = observe_past(out, cli, &back.service).await?;
            act::list(out, &past, &back.service).map(|()| Exit::Done)?
        }
        Some(Command::Rollback(back)) => {
            let wish = AskedAct::Rollback { to: back.to.clone(), at_once: back.at_once };
            act(out, cli, &back.service, wish, &back.acting).await?
        }
        Some(Command::History(wanted)) => {
            let past = observe_past(out, cli, &wanted.service).await?;
            let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
            history::print(out, &past, &wanted.service, limit).map(|()| Exit::Done)?
        }
        Some(Command::Diff(wish)) => {
            let session = Session::connect(load_what_is_right(out, &cli.global)?).await?;
            diff::diff(out, &session, wish).await.map(|()| Exit::Done)?
        }
        Some(Command::Judge(wish)) => match wish.since {
            Some(since) => judge::past(out, &connect(&cli.global).await?, wish, since).await?,
            None => judge::judge(out, &load(&cli.global)?, wish)?,
        },
        Some(Command::Config) => print_config(out, &load(&cli.global)?)?,
        Some(Command::Completions(wanted)) => out.script(&completion::script(wanted.shell)?).map(|()| Exit::Done)?,
        Some(Command::Man(wanted)) => print_man(out, wanted)?,
        Some(Command::Sim(sim)) => simulator::sim(out, sim).await?,
    };
    Ok(exit.code())
}

async fn print_status(out: &mut Out, cli: &Cli, wanted: &args::Status) -> Result<Exit, Failure> {
    let session = Session::connect(load_what_is_right(out, &cli.global)?).await?;
    let name = wanted.service.as_deref();
    let observation = session.observe(status::scope(name), name).await?;
    out.remark_unread(&observation.faults);
    status::print(out, &observation, name, &session.config.settings)?;
    Ok(Exit::Done)
}

fn print_config(out: &mut Out, config: &Config) -> Result<Exit, Failure> {
    match out.json {
        true => out.document(&config.document())?,
        false => out.say(&config.text())?,
    }
    Ok(Exit::Done)
}

fn print_man(out: &mut Out, wanted: &args::Man) -> Result<Exit, Failure> {
    match &wanted.directory {
        None => out.script(&man::main_page()?)?,
        Some(directory) => {
            let pages = man::write_all(directory)?;
            out.remark(&format!("{pages} manual pages are in {}", directory.display()));
        }
    }
    Ok(Exit::Done)
}

/// Reads what a release ran before, and says what could not be read.
async fn observe_past(out: &mut Out, cli: &Cli, name: &str) -> Result<Observation, Failure> {
    let session = Session::connect(load_what_is_right(out, &cli.global)?).await?;
    let seen = session.observe(Scope::Past, Some(name)).await?;
    out.remark_unread(&seen.faults);
    Ok(seen)
}

async fn act(out: &mut Out, cli: &Cli, name: &str, wish: AskedAct, acting: &Acting) -> Result<Exit, Failure> {
    let config = match &wish {
        AskedAct::Rollback { .. } => load_what_is_right(out, &cli.global)?,
        _ => load(&cli.global)?,
    };
    act::check_confirmable(out, acting)?;
    let session = Session::connect(config).await?;
    act::act(out, &session, name, &wish, acting).await
}

fn load(global: &Global) -> Result<Config, Failure> {
    Ok(config::load(&Flags::from(global), &process_variables)?)
}

/// The configuration of a command that goes on without what is wrong in the file; what that is, is said.
fn load_what_is_right(out: &mut Out, global: &Global) -> Result<Config, Failure> {
    let config = config::load_what_is_right(&Flags::from(global), &process_variables)?;
    for ignored in &config.ignored {
        out.remark(&format!("tidegate: WARNING: ignored: {ignored}"));
    }
    Ok(config)
}

async fn connect(global: &Global) -> Result<Session, Failure> {
    Session::connect(load(global)?).await
}
