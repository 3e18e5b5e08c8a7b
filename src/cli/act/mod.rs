//! The acting commands: look, plan, show the plan, ask, carry it out, say how it ended.

mod choices;
mod consent;
pub(in crate::cli) mod report;

use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::args::Acting;
use super::exit::{Exit, Failure, internal};
use super::lookup;
use super::observe::Observation;
use super::out::Out;
use super::session::Session;
use crate::cloud::Cloud;
use crate::console::signals::Signals;
use crate::console::state::operation::{Operation, OperationId, OperationOutcome, Progress};
use crate::domain::confirm;
use crate::domain::confirm::Surface;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::fault::FaultKind;
use crate::domain::observe::query::{Answer, Query};
use crate::domain::observe::requirements::Scope;
use crate::domain::plan;
use crate::domain::plan::{Context, Intent, Plan, Warning};
use crate::domain::release::Release;
use crate::domain::release::share::Percent;
use crate::domain::rollback::readiness::Level;
use crate::execute::audit;
use crate::execute::audit::{Journal, Order, Via};
use crate::execute::audited_execution::{Audit, execute_audited};
use crate::execute::executor::Options;

pub(super) use self::choices::list;
use self::report::{ExecutionReport, Reporter};

/// What is wanted, as it was typed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum AskedAct {
    /// `step [--to PERCENT]`.
    Step(Option<Percent>),
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
    let scope = if back { Scope::Rollback } else { Scope::Forward };
    let seen = session.observe(scope, Some(name)).await?;
    for fault in &seen.faults {
        out.remark(&format!("not read: {fault}"));
    }
    let release = lookup::find(&seen.releases, name)?;
    let intent = intent(&*session.reader, release, wish).await?;
    let mut plan = match make_plan(session, &seen, release, &intent) {
        Ok(plan) => plan,
        Err(refusal) if acting.dry_run && out.json => {
            out.document(&report::refused(release, &intent, &refusal))?;
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
        return dry_run(out, &plan, &blocked(release, &plan), acting);
    }
    if plan.is_reached() {
        let mut reporter = Reporter::new(out, Operation::new(OperationId(1), plan, seen.now));
        reporter.report(&*session.clock, Progress::Ended(OperationOutcome::Done));
        let told = reporter.told();
        return conclude(out, &told, &[]);
    }
    let left_to_aws = if acting.wait { Vec::new() } else { trim(&mut plan) };
    let shown = report::plan_lines(&plan).join("\n");
    if out.json {
        out.remark(&shown);
    } else if let Err(failure) = out.say(&shown) {
        // A full disk behind standard output does not stop a rollback.
        if !back {
            return Err(failure);
        }
        out.remark(&shown);
    }
    consent::check_verdict(&plan, acting)?;
    let required = confirm::required(&session.config.settings, release, &plan, surface(out, acting));
    consent::check_reason(required, &plan, acting.reason.as_deref())?;
    if !consent::ask(out, required, &plan) {
        return Err(Failure::new(Exit::Refused, "Declined.", "Nothing was sent."));
    }
    let told = carry_out(out, session, &seen, plan, acting.reason.clone()).await?;
    conclude(out, &told, &left_to_aws)
}

/// Why AWS would refuse a rollback. The checks are of the target that nobody named.
fn blocked(release: &Release, plan: &Plan) -> Vec<String> {
    let checked = matches!(plan.intent, Intent::Rollback { to: None, .. }) && !plan.is_reached();
    release.preflight.blocked().filter(|_| checked).map(str::to_owned).collect()
}

/// Shows a plan, and ends as the act would, as far as is known.
fn dry_run(out: &mut Out, plan: &Plan, blocked: &[String], acting: &Acting) -> Result<Exit, Failure> {
    if out.json {
        out.document(&report::planned(plan, blocked))?;
    } else {
        out.say(&report::plan_lines(plan).join("\n"))?;
        for why in blocked {
            out.say(&format!("AWS would refuse it: {why}"))?;
        }
        out.say("dry run: nothing was sent")?;
    }
    consent::check_verdict(plan, acting)?;
    Ok(if blocked.is_empty() { Exit::Done } else { Exit::Refused })
}

/// Refuses, before anything is read, a command that nobody could confirm.
pub(super) fn check_confirmable(out: &Out, acting: &Acting) -> Result<(), Failure> {
    if acting.dry_run || surface(out, acting).can_confirm() {
        return Ok(());
    }
    Err(Failure::usage(
        "There is no terminal to ask on, and --yes was not given: nothing was sent.",
        "Add --yes to act, or --dry-run to see the plan.",
    ))
}

fn surface(out: &Out, acting: &Acting) -> Surface {
    Surface::Command { terminal: out.can_ask(), yes: acting.yes }
}

fn make_plan(session: &Session, seen: &Observation, release: &Release, intent: &Intent) -> Result<Plan, plan::Refusal> {
    let context = Context { place: &seen.place, settings: &session.config.settings, now: seen.now };
    plan::plan(release, intent, &context)
}

/// The intent behind the wish, its revisions looked up.
async fn intent(cloud: &dyn Cloud, release: &Release, wish: &AskedAct) -> Result<Intent, Failure> {
    Ok(match wish {
        // Down is no step, but it is what was asked for.
        AskedAct::Step(Some(to)) if release.share.configured.is_some_and(|at| to.value() < at.value()) => {
            Intent::Weight { to: *to }
        }
        AskedAct::Step(to) => Intent::Step { to: *to },
        AskedAct::Finish => Intent::Finish,
        AskedAct::Start { revision: text, pauses } => {
            let family = release.newest().task_definition.family();
            Intent::Start { task_definition: revision(cloud, text, family).await?, pauses: *pauses }
        }
        AskedAct::Rollback { to: None, at_once } => Intent::Rollback { to: None, at_once: *at_once },
        AskedAct::Rollback { to: Some(text), at_once } => {
            let family = release.stable.task_definition.family();
            Intent::Rollback { to: Some(revision(cloud, text, family).await?), at_once: *at_once }
        }
    })
}

/// `:42`, `42`, `checkout:42` or an ARN as the full ARN of a revision that can be deployed.
async fn revision(cloud: &dyn Cloud, text: &str, family: &str) -> Result<TaskDefinitionArn, Failure> {
    let asked = lookup::revision(text, family)?;
    let facts = match cloud.read(&Query::TaskDefinitions(vec![asked.clone()])).await {
        // A full ARN needs no looking up: whether it can be deployed, AWS will say.
        Err(fault) if asked.arn().account().is_some() && fault.kind != FaultKind::NotFound => return Ok(asked),
        answer => answer?,
    };
    let found = match facts {
        Answer::TaskDefinitions(definitions) => definitions.into_iter().next(),
        _ => None,
    };
    match found {
        Some(definition) if definition.active => Ok(definition.arn),
        Some(definition) => Err(Failure::new(
            Exit::Refused,
            format!("{} was deregistered and cannot be deployed.", definition.arn),
            "Register it again, or name another revision.",
        )),
        None => Err(Failure::new(
            Exit::Aws,
            format!("there is no task definition {asked} here"),
            "Check the family, the region and the account.",
        )),
    }
}

/// Takes away the waits after the last write; what they would have waited for.
fn trim(plan: &mut Plan) -> Vec<String> {
    let mut left = Vec::new();
    if plan.calls().next().is_none() {
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
    seen: &Observation,
    plan: Plan,
    why: Option<String>,
) -> Result<ExecutionReport, Failure> {
    let order = Order { who: seen.identity.clone(), via: Via::Command, why };
    let journal = audit::default_path().and_then(|path| Journal::open(&path));
    let audit = Audit { journal: journal.as_ref().map_err(String::as_str), order: &order };
    let options = Options { clock: Arc::clone(&session.clock), ..Options::default() };
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
    execute_audited(actor, &plan, &options, &stop, &audit, &mut |progress| reporter.report(&*session.clock, progress))
        .await;
    listening.inspect(JoinHandle::abort);
    let mut told = reporter.told();
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
    let exit = Exit::of(outcome, !told.sent.is_empty());
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
