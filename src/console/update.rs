//! Every message goes through here, in one order.

pub(crate) mod answers;
pub mod auto_promotion;
pub(crate) mod commands;
pub(crate) mod confirmation;
pub(crate) mod dispatch;
mod in_flight;
pub(crate) mod input;
pub(crate) mod navigation;
mod pending_rollback;

use std::collections::BTreeMap;

use tui_input::InputRequest;

use super::dialogs::Dialog;
use super::message::{Effect, Msg, Now};
use super::poll_schedule;
use super::poll_schedule::source::Source;
use super::state::Model;
use super::state::screen::Notice;
use crate::domain::operation::{OperationId, OperationOutcome, Progress};

use super::screens;
use super::screens::diff::state::Diff;
use super::screens::history;
use super::screens::logs::state::Logs;
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::history::History;
use crate::domain::logs::LogPage;
use crate::domain::observe::snapshot::{Answer, Query, Snapshot};
use crate::domain::plan::{Call, Plan};
use crate::domain::release::share::Percent;

/// Changes the model by one message and says what is to be done outside. Neither waits nor fails.
pub fn update(model: &mut Model, now: Now, msg: Msg) -> Vec<Effect> {
    // The clock may be set back; the console's time does not.
    model.observed.now = Now { at: now.at.max(model.observed.now.at), rate: now.rate };
    let mut effects = Vec::new();
    match msg {
        Msg::Key(key) => effects.extend(input::key_pressed(model, key)),
        // Somebody is at the keyboard.
        Msg::Paste(_) if model.stop_countdowns() => {}
        Msg::Paste(text) => paste(model, &text),
        Msg::Resized(columns, rows) => {
            model.screen.size = (columns, rows);
            confirmation::close_unseen(model);
        }
        Msg::Focus(focused) => model.screen.focused = focused,
        Msg::Drawn => {
            if let Some(dialog) = &mut model.screen.dialog {
                dialog.was_drawn(model.observed.now.at);
            }
        }
        Msg::Tick => {}
        Msg::Resumed => {
            model.screen.dialog = None;
            model.polls.all_due();
            model.say("back from the shell: everything is being read again", false);
            model.switch_all_off("the console was stopped for the shell");
        }
        Msg::Read { asked, query, answer } => effects.extend(learn(model, asked, &query, answer)),
        Msg::Overheard { asked, query, answer } => model.observed.snapshot.apply(asked, &query, Ok(answer)),
        Msg::Progress { operation, progress } => advance(model, operation, progress),
        Msg::Recalled(history) => recall(model, history),
        Msg::Trouble(text) => model.say(text, true),
    }
    model.derive();
    model.keep_selection();
    screens::refresh(&model.observed, &mut model.screen);
    confirmation::revalidate(model);
    effects.extend(pending_rollback::refresh(model));
    effects.extend(auto_promotion::refresh(model));
    model.polls.awaited = !model.operations.pending.is_empty();
    for query in poll_schedule::due(&model.watched()) {
        model.polls.ask(&query, model.observed.now.at);
        effects.push(Effect::Read(query));
    }
    effects
}

impl Model {
    /// Puts up a line until the next key.
    pub(super) fn say(&mut self, text: impl Into<String>, wrong: bool) {
        self.screen.notice = Some(Notice { at: self.observed.now.at, text: text.into(), wrong });
    }

    /// The mark stays with its release, wherever its line moves; until it is moved by hand it is on the first.
    fn keep_selection(&mut self) {
        let marked = self.screen.fleet.selected.as_deref();
        // Nor under a question: the ROLLBACK line would speak of another release than the one that is asked about.
        let free = !self.screen.fleet.moved && self.screen.dialog.is_none() && self.screen.fleet.urgent_first();
        if free || marked.is_none_or(|marked| self.release(marked).is_none()) {
            self.screen.fleet.selected =
                self.screen.fleet.lines(&self.observed.releases).first().map(|release| release.name.clone());
        }
    }
}

fn learn(model: &mut Model, asked: jiff::Timestamp, query: &Query, answer: Result<Answer, Fault>) -> Option<Effect> {
    model.polls.answered(query, answer.as_ref().err().map(|fault| fault.kind));
    if let Ok(Answer::Metrics(read)) = &answer {
        model.polls.learned(query, read);
    }
    let answer = match (query, answer) {
        (Query::Logs(page), answer) => {
            let page_of = |facts| if let Answer::Logs(page) = facts { page } else { LogPage::default() };
            model.screen.logs.take(asked, page, answer.map(page_of));
            return None;
        }
        (Query::Definition { reveal: true, .. }, Ok(Answer::Definition(definition))) => {
            model.screen.diff.take_values(Ok(*definition));
            return None;
        }
        (Query::Definition { reveal: true, .. }, Err(fault)) => {
            if let Some(text) = model.screen.diff.take_values(Err(fault)) {
                model.say(text, true);
            }
            return None;
        }
        (_, answer) => answer,
    };
    let account = match &answer {
        Ok(Answer::Identity(identity)) => Some(identity.account.clone()),
        // Without STS the services' own ARNs say whose they are.
        Ok(Answer::Services(services)) if model.observed.place.account.is_empty() => {
            services.first().and_then(|service| service.arn.account()).map(str::to_owned)
        }
        _ => None,
    };
    let effect = account.and_then(|account| settle_account(model, account));
    let before = matches!(query, Query::Services).then(|| moving(&model.observed.snapshot));
    model.observed.snapshot.apply(asked, query, answer);
    if before.is_some_and(|before| before != moving(&model.observed.snapshot)) {
        // A rollout began or ended: what the history says of it is behind.
        model.polls.expedite(&[Source::Deployments]);
    }
    effect
}

/// What of each service tells that a deployment of it began or ended.
fn moving(snapshot: &Snapshot) -> Vec<(ServiceKey, bool, Option<Arn>)> {
    let services = snapshot.services.get().into_iter().flat_map(BTreeMap::values);
    services.map(|service| (service.key.clone(), service.rolling(), service.current_deployment.clone())).collect()
}

/// Takes note of whose account this is. Nothing that was read with other credentials may stay on a screen that
/// names these.
fn settle_account(model: &mut Model, account: String) -> Option<Effect> {
    if model.observed.place.account == account {
        return None;
    }
    let before = std::mem::replace(&mut model.observed.place.account, account);
    if !before.is_empty() {
        model.observed.snapshot = Snapshot::default();
        model.operations.clear(model.observed.now.at);
        model.screen.logs = Logs::default();
        model.screen.diff = Diff::default();
        model.screen.history = history::state::History::default();
        model.polls.all_due();
        let text =
            format!("the credentials are now of account {}, not {before}: reading anew", model.observed.place.account);
        model.close(text.clone());
        model.say(text, true);
    }
    Some(Effect::Recall(model.observed.place.clone()))
}

/// What happened since the audit was written is newer than what it remembers.
fn recall(model: &mut Model, history: History) {
    for (release, remembered) in history.local_states() {
        let local = model.operations.local.entry(release).or_default();
        if local.requested.is_none() {
            (local.requested, local.since) = (remembered.requested, remembered.since);
        }
        local.rolled_back = local.rolled_back.max(remembered.rolled_back);
        local.known_bad.splice(..0, remembered.known_bad);
        if local.stickiness.is_empty() {
            local.stickiness = remembered.stickiness;
        }
    }
    history.add_to(&mut model.observed.snapshot);
    model.operations.acts.recall(history.acts, history.complete_since);
}

fn advance(model: &mut Model, id: OperationId, progress: Progress) {
    let Some((name, operation)) = model.operations.latest.iter_mut().find(|(_, operation)| operation.id == id) else {
        return; // A report on an operation whose place another one took.
    };
    let name = name.clone();
    let writes_weights = |step: usize| {
        let call = operation.plan.steps.get(step).and_then(|step| step.call.as_ref());
        matches!(call, Some(Call::SetWeights { .. }))
    };
    model.operations.acts.report(id, &operation.plan, model.observed.now.at, &progress);
    let share: Option<Percent> = operation.plan.share;
    let local = model.operations.local.entry(name.clone()).or_default();
    if let Progress::Sent { step } = &progress
        && let Some(step) = operation.plan.steps.get(*step)
        && let Some(Call::SetWeights { route, stickiness: Some(stickiness), .. }) = &step.call
    {
        local.note_stickiness(route, *stickiness);
    }
    note_denied(&mut local.denied, &operation.plan, &progress);
    let mut said = None;
    match &progress {
        Progress::Sent { step } if writes_weights(*step) => (local.requested, local.since) = (share, None),
        Progress::Answered { .. } | Progress::Verified { .. } => {
            model.polls.expedite(&[
                Source::Services,
                Source::Routes,
                Source::Health,
                Source::Tasks,
                Source::Deployments,
            ]);
        }
        Progress::Ended(outcome) => {
            local.doing = None;
            if !matches!(outcome, OperationOutcome::Done | OperationOutcome::Superseded) {
                local.requested = None;
            }
            let refused = matches!(outcome, OperationOutcome::Refused { .. } | OperationOutcome::Superseded);
            if operation.plan.intent.is_rollback() && !refused {
                local.note_rollback(operation.plan.revision.as_ref(), outcome.is_done(), model.observed.now.at);
            }
            said = Some(outcome.describe(&operation.plan.title));
            model.polls.expedite(&[
                Source::Services,
                Source::Routes,
                Source::Health,
                Source::Tasks,
                Source::Deployments,
            ]);
        }
        _ => {}
    }
    operation.report(model.observed.now.at, progress.clone());
    pending_rollback::note(model, &name, &progress);
    if let Some((text, wrong)) = said {
        model.say(text, wrong);
    }
}

/// Keeps what AWS refused for want of a permission, one fault for each operation, until AWS takes that operation.
fn note_denied(denied: &mut Vec<Fault>, plan: &Plan, progress: &Progress) {
    match progress {
        Progress::Ended(OperationOutcome::Refused { fault, .. }) if fault.kind == FaultKind::Denied => {
            denied.retain(|had| had.operation != fault.operation);
            denied.push(fault.clone());
        }
        Progress::Answered { step, .. } => {
            if let Some(call) = plan.steps.get(*step).and_then(|step| step.call.as_ref()) {
                denied.retain(|had| had.operation != call.operation());
            }
        }
        _ => {}
    }
}

fn paste(model: &mut Model, text: &str) {
    let line: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    if !takes_text(model) {
        model.say("pasted text is not taken for keys", false);
    } else if let Some(input) = model.screen.dialog.as_mut().and_then(Dialog::input) {
        for c in line.chars() {
            input.handle(InputRequest::InsertChar(c));
        }
    } else {
        model.search_for(&line);
    }
}

/// Whether pasted text would land in a text field.
pub fn takes_text(model: &mut Model) -> bool {
    match &mut model.screen.dialog {
        Some(dialog) => dialog.input().is_some(),
        None => model.screen.typing(),
    }
}

#[cfg(test)]
mod tests;
