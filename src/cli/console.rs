//! The console: on AWS, or on the embedded one.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::Shared;

use super::args::World;
use super::config::{Config, process_variables};
use super::exit::{Exit, Failure, internal};
use super::session::{Session, counted};
use super::simulator::{Prepared, Running};
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::cloud::aws;
use crate::cloud::aws::{Budget, ClientPools, Connect};
use crate::cloud::lazy::Later;
use crate::console::driver::Driver;
use crate::console::event_loop::Console;
use crate::console::links::Shell;
use crate::console::message::Msg;
use crate::console::recorder::{RECORD_VARIABLE, Recorder};
use crate::console::state::Model;
use crate::console::state::screen::SMALLEST;
use crate::console::terminal;
use crate::console::view::{Terminal, Theme};
use crate::domain::ecs::names::Location;
use crate::domain::fault::Fault;
use crate::domain::text::without_password;
use crate::execute::audit;
use crate::execute::audit::Journal;
use crate::execute::executor::Options;

/// The console on AWS. Returns its exit code.
pub(super) async fn open(config: Config) -> Result<u8, Failure> {
    needs_terminal()?;
    // Without a region there is nothing to show: that is said before the screen is taken.
    let session = Session::watching(config).await?;
    let environment = &session.config.environment;
    let endpoint = environment.endpoint_url.value.as_deref().map(|url| without_password(url).into_owned());
    let shell = Shell { profile: environment.profile.value.clone(), simulated: endpoint.is_some(), endpoint };
    let Session { config, region, clock, reader, actor, .. } = session;
    show(config, Account { region, clock, reader, actor }, audit::default_path(), shell).await
}

/// The console on a simulated account of its own.
pub(super) async fn demo(config: Config, options: &World) -> Result<u8, Failure> {
    needs_terminal()?;
    let prepared = Prepared::new(options)?;
    let (region, clock) = (prepared.region().to_owned(), Arc::new(prepared.clock()));
    let budget = Budget::new(config.steady_share.value / 100.0, clock.clone());
    // The account is made, and connected to, while the screen is there already.
    let lanes = async move {
        let running = tokio::task::spawn_blocking(move || prepared.start(None)).await.map_err(|error| odd(&error))?;
        let running = running.map_err(|failure| odd(&failure.message))?;
        let lanes = aws::connect(&Connect { budget, ..running.connect() }).await?;
        Ok(Arc::new((lanes, running)))
    };
    let lanes: Shared<_> = lanes.boxed().shared();
    let lane = |pick: fn(&ClientPools) -> Arc<dyn Cloud>| {
        let lanes = lanes.clone();
        Arc::new(Later::new(async move { lanes.await.map(|both: Arc<(ClientPools, Running)>| pick(&both.0)) }))
    };
    let reader = counted(lane(|lanes| Arc::new(lanes.poll.clone())), &config, clock.clone())?;
    let actor = lane(|lanes| Arc::new(lanes.act.clone()));
    let audit = demo_audit();
    let shell = Shell { simulated: true, ..Shell::default() };
    let ended = show(config, Account { region, clock, reader, actor }, Ok(audit.clone()), shell).await;
    // Its world is gone, and nobody would ever clear these away.
    let _ = std::fs::remove_file(&audit);
    ended
}

fn odd(error: &dyn std::fmt::Display) -> Fault {
    let message = format!("the embedded AWS did not start: {error}");
    Fault::new(crate::domain::fault::FaultKind::Unreachable, "demo", "the embedded AWS", message)
}

fn needs_terminal() -> Result<(), Failure> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage(
        "The console needs a terminal, on standard input and on standard output.",
        "Without one, `tidegate status` says the same in lines, and `tidegate status --json` in one document.",
    ))
}

/// An audit for a demo alone: what an earlier one did was done to another world.
fn demo_audit() -> PathBuf {
    let own = std::env::temp_dir().join(format!("tidegate-{}", std::process::id()));
    let beside = audit::default_path().unwrap_or_else(|_| own.join("audit.jsonl"));
    let path = beside.with_file_name(format!("demo-{}.jsonl", std::process::id()));
    // Only there where a process of this number had a demo before.
    let _ = std::fs::remove_file(&path);
    path
}

/// The account on the screen, and what reaches it.
struct Account {
    region: String,
    clock: Arc<dyn Clock>,
    reader: Arc<dyn Cloud>,
    actor: Arc<dyn Cloud>,
}

async fn show(config: Config, account: Account, audit: Result<PathBuf, String>, shell: Shell) -> Result<u8, Failure> {
    let Account { region, clock, reader, actor } = account;
    // The account's number is not known before AWS has said who is asking.
    let place = Location { environment: config.environment.name.value.clone(), account: String::new(), region };
    let variable = |name: &str| process_variables(name);
    let [no_color, term, colorterm, colorfgbg] = ["NO_COLOR", "TERM", "COLORTERM", "COLORFGBG"].map(variable);
    let terminal = Terminal {
        no_color: no_color.as_deref(),
        term: term.as_deref(),
        colorterm: colorterm.as_deref(),
        colorfgbg: colorfgbg.as_deref(),
    };
    let theme = Theme::detect(&terminal, config.theme.value, config.ascii.value);
    let journal = audit.and_then(|path: PathBuf| Journal::open(Path::new(&path)).map(Arc::new));
    let driver = Driver::new(reader, actor, journal, Options { clock, ..Options::default() });
    let mut model = Model::new(config.settings, place, driver.now(), SMALLEST);
    model.screen.release.percentile = config.percentile.value;
    model.shell = shell;
    let recorder = match process_variables(RECORD_VARIABLE).map(|path| Recorder::create(Path::new(&path))) {
        Some(Ok(recorder)) => Some(recorder),
        Some(Err(failure)) => {
            // An operator needs the console more than its recording.
            driver.send(Msg::Trouble(failure));
            None
        }
        None => None,
    };
    let console = Console { model, theme, driver, recorder };
    match terminal::run(console).await {
        Ok(ended) => Ok(ended.exit_code()),
        Err(error) => Err(Failure { exit: Exit::Internal, ..internal("the console ended", format!("{error:#}")) }),
    }
}
