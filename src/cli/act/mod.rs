//! The acting commands: look, plan, show the plan, ask, carry it out, say how it ended.

mod choices;
mod consent;
mod hook;
pub(in crate::cli) mod report;
mod revision;
mod taken_back;
mod time_limit;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::args::Acting;
use super::exit::{Exit, Failure, internal};
use super::lookup;
use super::out::Out;
use super::session::Session;
use crate::cloud::Cloud;
use crate::console::signals::Signals;
use crate::domain::confirm;
use crate::domain::confirm::Surface;
use crate::domain::observe::requirements::Scope;
use crate::domain::operation::{Operation, OperationId, OperationOutcome, Progress};
use crate::domain::plan;
use crate::domain::plan::{Context, Intent, Plan, Warning};
use crate::domain::release::Release;
use crate::domain::release::share::Percent;
use crate::domain::rollback::readiness::{Check, Level};
use crate::execute::audit;
use crate::execute::audit::{Journal, Order, Via};
use crate::execute::audited_execution::{Audit, execute_audited};
use crate::execute::executor::Options;

pub(super) use self::choices::list;
use self::report::{ExecutionReport, Reporter};
use self::revision::{LOOKED_UP_WITHIN, revision, revision_within};
use self::time_limit::TimeLimit;

/// What is wanted, as it was typed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum AskedAct {
    /// `step [--to PERCENT] [--hook ID]`.
    Step {
        /// PERCENT.
        to: Option<Percent>,
        /// ID.
        hook: Option<String>,
    },
    /// `start --task-definition REVISION [--pauses]`.
    Start {
        /// REVISION.
        revision: String,
        /// With pauses added for this release.
        pauses: bool,
    },
    /// `finish`.
    Finish,
    /// `rollback [--to REVISION] [--at-once]`.
    Rollback {
        /// REVISION.
        to: Option<String>,
        /// With the strategy set aside.
        at_once: bool,
    },
}

/// Carries out `wish` for the release called `name`.
pub(super) async fn act(
    out: &mut Out,
    session: &Session,
    name: &str,
    wish: &AskedAct,
    acting: &Acting,
) -> Result<Exit, Failure> {
    let back = matches!(wish, AskedAct::Rollback { .. });
    let scope = match back {
        true if acting.dry_run => Scope::RollbackPreview,
        true => Scope::Rollback,
        false => Scope::Forward,
    };
    let limit = TimeLimit::start(acting.timeout, &session.clock);
    let seen = limit.of_reads(session.observe(scope, Some(name))).await??;
    out.remark_unread(&seen.faults);
    let release = &of_wish(lookup::find(&seen.releases, name)?, wish)?;
    let intent = limit.of_reads(intent(&*session.reader, release, wish)).await??;
    let context = Context { place: &seen.place, settings: &session.config.settings, now: seen.now };
    let answered = hook_of(wish).and_then(|hook| hook::answered(release, hook, &intent, &context));
    let mut plan = match answered.map_or_else(|| plan::plan(release, &intent, &context), Ok) {
        Ok(plan) => plan,
        Err(refusal) if acting.dry_run && out.json => {
            out.document(&report::refused(release, &intent, &refusal, &context))?;
            return Ok(Exit::Refused);
        }
        Err(refusal) => return Err(refusal.into()),
    };
    if back {
        // The screen has them beside the plan; here they are part of it.
        let grave = release.preflight.checks.iter().filter(|check| check.level >= Level::Warn);
        plan.warnings.extend(grave.map(|check| Warning::Note(check.what.clone())));
        let ignored = session.config.ignored.iter().map(|ignored| format!("ignored: {ignored}"));
        plan.warnings.extend(ignored.map(Warning::Note));
    }
    if acting.dry_run {
        return dry_run(out, &plan, &obstacles(release, &plan), acting, seen.now);
    }
    let left_to_aws = if acting.wait { Vec::new() } else { trim(&mut plan) };
    if plan.is_reached() {
        return reached(out, session, plan, &left_to_aws);
    }
    show(out, &plan)?;
    consent::check_verdict(&plan, acting)?;
    let required = confirm::required(&session.config.settings, release, &plan, surface(out, acting));
    consent::check_reason(required, &plan, acting.reason.as_deref())?;
    if !consent::ask(out, required, &plan) {
        return Err(Failure::new(Exit::Refused, "Declined.", "Nothing was sent.").coded("declined"));
    }
    let order = Order { who: seen.identity.clone(), via: Via::Command, why: acting.reason.clone() };
    let told = carry_out(out, session, plan, &order, limit).await?;
    conclude(out, &told, &left_to_aws)
}

/// The reasons for which AWS would refuse a rollback, or the rollback would wait. The checks are of the target that
/// nobody named, with stable's tasks before its users.
fn obstacles<'a>(release: &'a Release, plan: &Plan) -> Vec<&'a Check> {
    let Intent::Rollback { to: None, at_once } = plan.intent else { return Vec::new() };
    let concerns = |check: &&Check| !plan.is_reached() && (check.level == Level::Blocks || !at_once);
    release.preflight.obstacles().filter(concerns).collect()
}

/// Prints the plan; ends as the act would, as far as is known.
fn dry_run(out: &mut Out, plan: &Plan, obstacles: &[&Check], acting: &Acting, now: Timestamp) -> Result<Exit, Failure> {
    if out.json {
        let blocked: Vec<_> = obstacles.iter().map(|check| check.what.clone()).collect();
        out.document(&report::planned(plan, &blocked, now))?;
    } else {
        out.say(&report::plan_lines(plan).join("\n"))?;
        for check in obstacles {
            out.say(&check.said())?;
        }
        out.say("dry run: nothing was sent")?;
    }
    match consent::check_verdict(plan, acting) {
        // The plan is the one document.
        Err(failure) if out.json => {
            out.remark(&format!("{} {}", failure.message, failure.advice));
            Ok(failure.exit)
        }
        checked => checked.map(|()| if obstacles.is_empty() { Exit::Done } else { Exit::Refused }),
    }
}

/// Prints the plan before anything is sent.
fn show(out: &mut Out, plan: &Plan) -> Result<(), Failure> {
    let shown = report::plan_lines(plan).join("\n");
    if out.json {
        out.remark(&shown);
        return Ok(());
    }
    match out.say(&shown) {
        // A full disk behind standard output does not stop a rollback.
        Err(_) if plan.intent.is_rollback() => {
            out.remark(&shown);
            Ok(())
        }
        said => said,
    }
}

/// Says that there is nothing to do.
fn reached(out: &mut Out, session: &Session, plan: Plan, left_to_aws: &[String]) -> Result<Exit, Failure> {
    let mut reporter = Reporter::new(out, Operation::new(OperationId(1), plan, session.now()));
    reporter.report(&*session.clock, Progress::Ended(OperationOutcome::Done));
    let told = reporter.told();
    conclude(out, &told, left_to_aws)
}

/// Refuses, before anything is read, a command that nobody could confirm.
pub(super) fn check_confirmable(out: &Out, acting: &Acting) -> Result<(), Failure> {
    if acting.dry_run || surface(out, acting).can_confirm() {
        return Ok(());
    }
    Err(Failure::usage(
        "There is no terminal to ask on, and --yes was not given: nothing was sent.",
        "Add --yes to act, or --dry-run to see the plan.",
    )
    .coded("not_confirmed"))
}

/// The release as far as the wish is about it: one pause of several, if one is named.
fn of_wish(release: &Release, wish: &AskedAct) -> Result<Release, Failure> {
    hook_of(wish).map_or_else(|| Ok(release.clone()), |hook| hook::only(release, hook))
}

fn hook_of(wish: &AskedAct) -> Option<&str> {
    if let AskedAct::Step { hook, .. } = wish { hook.as_deref() } else { None }
}

fn surface(out: &Out, acting: &Acting) -> Surface {
    Surface::Command { terminal: out.can_ask(), yes: acting.yes }
}

/// The intent behind the wish, its revisions looked up.
async fn intent(cloud: &dyn Cloud, release: &Release, wish: &AskedAct) -> Result<Intent, Failure> {
    Ok(match wish {
        // Down is no step, but it is what was asked for.
        AskedAct::Step { to: Some(to), .. } if release.share.configured.is_some_and(|at| to.value() < at.value()) => {
            Intent::Weight { to: *to }
        }
        AskedAct::Step { to, .. } => Intent::Step { to: *to },
        AskedAct::Finish => Intent::Finish,
        AskedAct::Start { revision: text, pauses } => {
            let like = &release.newest().task_definition;
            Intent::Start { task_definition: revision(cloud, text, like).await?, pauses: *pauses }
        }
        AskedAct::Rollback { to: None, at_once } => Intent::Rollback { to: None, at_once: *at_once },
        AskedAct::Rollback { to: Some(text), at_once } => {
            let to = revision_within(LOOKED_UP_WITHIN, cloud, text, &release.stable.task_definition).await?;
            Intent::Rollback { to: Some(to), at_once: *at_once }
        }
    })
}

/// Takes away the waits after the last write; what they would have waited for.
fn trim(plan: &mut Plan) -> Vec<String> {
    let mut left = Vec::new();
    // Waiting alone is what a rollback without calls is for; a start without calls was ordered before.
    if plan.calls().next().is_none() && plan.intent.is_rollback() {
        return left;
    }
    while let Some(step) = plan.steps.pop_if(|step| step.call.is_none()) {
        left.insert(0, step.title);
    }
    left
}

async fn carry_out(
    out: &mut Out,
    session: &Session,
    plan: Plan,
    order: &Order,
    limit: TimeLimit,
) -> Result<ExecutionReport, Failure> {
    let journal = audit::default_path().and_then(|path| Journal::open(&path));
    let audit = Audit { journal: journal.as_ref().map_err(String::as_str), order, plan: &plan };
    let options = Options { clock: Arc::clone(&session.clock), overdue: limit.token(), ..Options::default() };
    if let (Err(trouble), true) = (&journal, plan.intent.is_rollback()) {
        out.remark(&format!("WARNING: {trouble}. The rollback goes on and is NOT written to the audit."));
    }
    let stop = CancellationToken::new();
    let listening = match Signals::listen() {
        Ok(signals) => Some(tokio::spawn(stop_on(signals, stop.clone()))),
        Err(error) if plan.intent.is_rollback() => {
            out.remark(&format!("cannot listen for signals: {error}; ctrl-c ends the command at once"));
            None
        }
        Err(error) => return Err(internal("cannot listen for signals", error)),
    };
    let mut reporter = Reporter::new(out, Operation::new(OperationId(1), plan.clone(), session.now()));
    let actor: &dyn Cloud = &*session.actor;
    execute_audited(actor, &options, &stop, &audit, &mut |progress| reporter.report(&*session.clock, progress)).await;
    listening.inspect(JoinHandle::abort);
    let mut told = reporter.told();
    told.timed_out = limit.over();
    if let Some((_, OperationOutcome::Failed { .. })) = &told.operation.outcome {
        told.rolled_back = taken_back::by_ecs(&*session.reader, &plan).await;
    }
    // What was queued is on the disk, or could not be written, before it is said.
    told.audit_trouble = journal.map_or_else(Some, Journal::close);
    if let Some(trouble) = &told.audit_trouble {
        out.remark(&format!("WARNING: the audit is not complete: {trouble}"));
    }
    Ok(told)
}

async fn stop_on(mut signals: Signals, stop: CancellationToken) {
    signals.next().await;
    stop.cancel();
}

/// Says how it ended.
fn conclude(out: &mut Out, told: &ExecutionReport, left_to_aws: &[String]) -> Result<Exit, Failure> {
    let operation = &told.operation;
    let outcome = operation.outcome.as_ref().map_or(&OperationOutcome::Superseded, |(_, outcome)| outcome);
    let stopped_by_time = told.timed_out.is_some() && *outcome == OperationOutcome::Superseded;
    let exit = if stopped_by_time { Exit::Unknown } else { Exit::of(outcome, !told.sent.is_empty()) };
    let ending = report::ending(told, outcome, left_to_aws).join("\n");
    let said = if out.json {
        out.document(&report::result(told, outcome, exit, left_to_aws))
    } else if *outcome == OperationOutcome::Done {
        out.say(&ending)
    } else {
        out.remark(&ending);
        Ok(())
    };
    if let Err(failure) = said {
        // How it ended counts, not that nobody could be told on standard output.
        out.remark(&ending);
        out.remark(&failure.message);
    }
    Ok(exit)
}
