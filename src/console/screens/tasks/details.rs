//! The details of a task, or of tasks that stopped for the same cause.

use jiff::Timestamp;
use ratatui::text::Line;

use super::state::{Kind, Row, container_facts};
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::parts;
use crate::console::widgets::theme::Role;
use crate::domain::ecs::service::Task;
use crate::domain::health::hints;
use crate::domain::health::hints::{Around, Lived};
use crate::domain::health::stop_reason::Cause;
use crate::domain::release::Release;

/// The most lines for one text of AWS's.
const LINES: usize = 4;

/// The heading of the details.
pub(crate) fn name(row: &Row<'_>) -> String {
    match &row.kind {
        Kind::Failure { failure, .. } => {
            format!("{}: {}", format::many(failure.count, "task"), failure.cause.word())
        }
        Kind::Task { task, .. } => format!("task {}", format::clip(task.id(), 40)),
    }
}

/// The details of the marked line, with hints.
pub(crate) fn lines(scene: &Canvas<'_>, release: &Release, row: &Row<'_>, columns: usize) -> Vec<Line<'static>> {
    let task = row.task();
    let mut details = Details { scene, columns, lines: Vec::new() };
    match &row.kind {
        Kind::Failure { failure, tasks } => {
            details.reason(task);
            details.hints(release, failure.cause, tasks);
            details.lived(tasks);
            details.say("newest", &format!("{} of {}", task.id(), task.task_definition), Role::Text);
        }
        Kind::Task { .. } => {
            if task.stopped() {
                details.reason(task);
                if let Some(cause) = Cause::of(task) {
                    details.say("cause", &cause.word(), Role::Text);
                    details.hints(release, cause, &[task]);
                }
            }
        }
    }
    details.facts(task);
    details.lines
}

struct Details<'a> {
    scene: &'a Canvas<'a>,
    columns: usize,
    lines: Vec<Line<'static>>,
}

impl Details<'_> {
    fn say(&mut self, label: &str, text: &str, role: Role) {
        self.lines.extend(parts::labelled(self.scene, label, (text, role), self.columns, LINES));
    }

    fn reason(&mut self, task: &Task) {
        let reason = task.stopped_reason.as_deref().unwrap_or("none given");
        let failed = Cause::of(task).is_some_and(Cause::blames_revision);
        self.say("reason", reason, if failed { Role::Bad } else { Role::Text });
    }

    fn hints(&mut self, release: &Release, cause: Cause, tasks: &[&Task]) {
        let snapshot = &self.scene.observed.snapshot;
        let of = |task: &&Task| snapshot.task_definition(&task.task_definition);
        let sides = release.sides();
        // Tasks of different services never share a line: their revision mostly tells the service.
        let of_service = |task: &&Task| {
            let side = sides.clone().find(|side| side.task_definition == task.task_definition);
            snapshot.service(&side.unwrap_or(&release.stable).service)
        };
        let around = Around { service: tasks.first().and_then(of_service), definition: tasks.first().and_then(of) };
        for hint in hints::hints(cause, tasks.iter().copied(), around) {
            let arrow = self.scene.theme.arrow();
            self.say(arrow, &hint, Role::Accent);
        }
    }

    fn lived(&mut self, tasks: &[&Task]) {
        let started = tasks.iter().filter(|task| task.started_at.is_some()).count();
        let text = match Lived::of(tasks.iter().copied()) {
            Some(lived) if started < tasks.len() => {
                format!("{}; {} never started", lived.words(), tasks.len() - started)
            }
            Some(lived) => lived.words(),
            None => "none of them started".to_owned(),
        };
        self.say("lived", &text, Role::Text);
    }

    /// Adds the facts that every task has, running or stopped.
    fn facts(&mut self, task: &Task) {
        for container in &task.containers {
            let wrong = container.exit_code.is_some_and(|code| code != 0) && task.stopped();
            let role = if wrong || container.health.as_deref() == Some("UNHEALTHY") { Role::Bad } else { Role::Text };
            self.say("container", &container_facts(container), role);
        }
        self.say("times", &times(task), Role::Text);
        let place = [task.zone.as_deref(), task.address.as_deref()].into_iter().flatten().collect::<Vec<_>>();
        if !place.is_empty() {
            self.say("where", &place.join(", "), Role::Text);
        }
        if let Some(code) = &task.stop_code {
            self.say("stop code", code, Role::Text);
        }
        if !task.image_digests.is_empty() {
            self.say("image", &task.image_digests.join(", "), Role::Dim);
        }
        if let Some(by) = &task.started_by {
            self.say("started by", by, Role::Dim);
        }
        let shell = if task.execute_command { "execute command is on: x" } else { "execute command is off" };
        self.say("shell", shell, Role::Dim);
    }
}

/// `created 09:31:07Z, started after 20 s, lived 62 s, stopped 09:40:37Z`.
fn times(task: &Task) -> String {
    let clock = |at: Timestamp| at.strftime("%H:%M:%SZ").to_string();
    let mut said = vec![task.created_at.map_or("created ?".to_owned(), |at| format!("created {}", clock(at)))];
    said.extend(match task.pulled {
        (Some(began), Some(ended)) => Some(format!("pulled in {}", format::lasting(ended.duration_since(began)))),
        (Some(began), None) => Some(format!("pulling since {}", clock(began))),
        (None, _) => None,
    });
    match (task.started_at, task.created_at) {
        (Some(started), Some(created)) => {
            said.push(format!("started after {}", format::lasting(started.duration_since(created))));
        }
        (Some(started), None) => said.push(format!("started {}", clock(started))),
        (None, _) => said.push("never started".to_owned()),
    }
    if task.stopped() {
        said.extend(hints::lived(task).map(|lived| format!("lived {}", format::lasting(lived))));
    }
    said.extend(task.stopped_at.map(|at| format!("stopped {}", clock(at))));
    said.join(", ")
}
