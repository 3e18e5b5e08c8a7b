//! The tasks of a release by revision: the stop causes, then the running tasks, then each stopped task.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::console::state::list::{List, Listed};
use crate::console::state::observed::Observed;
use crate::domain::ecs::names::{ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::service::{Container, Task};
use crate::domain::health::stop_reason;
use crate::domain::health::stop_reason::{Cause, Failure};
use crate::domain::observe::snapshot::Query;
use crate::domain::release::{Release, Side};

/// The sort orders.
pub const ORDERS: &[&str] = &["worst first", "newest first", "by zone"];

/// The part of a revision in the release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Part {
    /// The canary's revision.
    Canary,
    /// The revision that a rolling update brings in.
    New,
    /// Stable's revision.
    Stable,
    /// Both sides have the same task definition, so that their tasks cannot be told apart.
    #[strum(serialize = "stable and canary")]
    Both,
    /// The only revision.
    Service,
    /// A revision that a rolling update replaces.
    Old,
    /// A revision that is no longer desired.
    Gone,
}

/// The tasks of one revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Section<'a> {
    /// The service of the tasks.
    pub service: &'a ServiceKey,
    /// The revision.
    pub revision: TaskDefinitionArn,
    /// The part of the revision in the release.
    pub part: Part,
    /// The desired count, if it is known for this revision alone.
    pub wanted: Option<u32>,
    /// The number of running tasks.
    pub running: usize,
    /// The number of tasks that are starting.
    pub pending: usize,
    /// The failures that the revision is to blame for.
    pub failed: Option<Failed>,
    /// The lines of the section.
    pub rows: Vec<Row<'a>>,
}

/// The number of failed tasks, and the time within which they failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// The number of failed tasks.
    pub count: usize,
    /// The time from the first task's creation to the last one's end.
    pub within: SignedDuration,
}

/// A line of the view.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    id: String,
    /// The subject of the line.
    pub kind: Kind<'a>,
}

/// The subject of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind<'a> {
    /// Tasks that stopped for the same cause.
    Failure {
        /// The cause, the count and the newest task.
        failure: Failure<'a>,
        /// All tasks with this cause.
        tasks: Vec<&'a Task>,
    },
    /// One task.
    Task {
        /// The task.
        task: &'a Task,
        /// Failed tasks of the revision before this task was created. ECS starts another task for each failed one; its
        /// API has no count of restarts.
        restarts: usize,
    },
}

impl Row<'_> {
    /// The task that a key acts on: the newest of several.
    pub fn task(&self) -> &Task {
        match &self.kind {
            Kind::Failure { failure, .. } => failure.newest,
            Kind::Task { task, .. } => task,
        }
    }
}

impl Listed for Row<'_> {
    fn id(&self) -> &str {
        &self.id
    }

    fn text(&self) -> String {
        let task = self.task();
        match &self.kind {
            Kind::Failure { failure, .. } => format!(
                "{} × {} of {}: {}\nnewest: {}",
                failure.count,
                if failure.count == 1 { "task" } else { "tasks" },
                task.task_definition,
                failure.cause.word(),
                facts(task)
            ),
            Kind::Task { .. } => facts(task),
        }
    }
}

/// All facts about a task, in a text for a ticket.
fn facts(task: &Task) -> String {
    let mut facts = vec![
        format!("task {} of {}: {}, wanted {}", task.id(), task.task_definition, task.status, task.desired_status),
        task.arn.to_string(),
    ];
    let mut say = |name: &str, value: Option<String>| facts.extend(value.map(|value| format!("{name}: {value}")));
    say("health", task.health.clone());
    say("zone", task.zone.clone());
    say("address", task.address.clone());
    for (name, at) in [("created", task.created_at), ("started", task.started_at), ("stopped", task.stopped_at)] {
        say(name, at.map(|at| at.to_string()));
    }
    say("stop code", task.stop_code.clone());
    say("cause", Cause::of(task).filter(|_| task.stopped()).map(Cause::word));
    say("reason", task.stopped_reason.clone());
    for container in &task.containers {
        say("container", Some(container_facts(container)));
    }
    say("started by", task.started_by.clone());
    say("images", (!task.image_digests.is_empty()).then(|| task.image_digests.join(", ")));
    facts.join("\n")
}

/// A container in words: its state, health, exit code and reason.
pub fn container_facts(container: &Container) -> String {
    let mut said = vec![format!("{} {}", container.name, container.status.to_lowercase())];
    said.extend(container.health.as_ref().map(|health| health.to_lowercase()));
    said.extend(container.exit_code.map(|code| match stop_reason::exit_meaning(code) {
        Some(meaning) => format!("exit {code} ({meaning})"),
        None => format!("exit {code}"),
    }));
    let reason = container.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{}{reason}", said.join(", "))
}

/// All lines, in the chosen order.
pub fn rows<'a>(observed: &'a Observed, list: &List, release: &'a Release) -> Vec<Row<'a>> {
    sections(observed, list, release).into_iter().flat_map(|section| section.rows).collect()
}

/// Queries while the view is open: the revisions of tasks that are none of the release's own. The tasks of an open
/// release are queried anyway.
pub(crate) fn wanted(observed: &Observed, release: &Release) -> Vec<Query> {
    let own = release.sides();
    let own: Vec<_> = own.map(|side| &side.task_definition).collect();
    let read = release.services().filter_map(|side| observed.snapshot.tasks.get(&side.service)?.get()).flatten();
    let gone: BTreeSet<_> = read.map(|task| &task.task_definition).filter(|arn| !own.contains(arn)).collect();
    let unread = gone.into_iter().filter(|arn| !observed.snapshot.task_definitions.contains_key(*arn));
    let unread: Vec<_> = unread.cloned().collect();
    if unread.is_empty() { Vec::new() } else { vec![Query::TaskDefinitions(unread)] }
}

/// The tasks of a release by revision. In the first order, failing revisions come first; then the canary, stable, and
/// the revisions on their way out.
pub fn sections<'a>(observed: &'a Observed, list: &List, release: &'a Release) -> Vec<Section<'a>> {
    let mut sections = Vec::new();
    for side in release.services() {
        let tasks = observed.snapshot.tasks.get(&side.service).and_then(|reading| reading.get());
        let tasks = tasks.map(Vec::as_slice).unwrap_or_default();
        let of_service = release.sides();
        let wanted = of_service.filter(|it| it.service == side.service).map(|it| &it.task_definition);
        let mut revisions: Vec<&TaskDefinitionArn> = Vec::new();
        for revision in wanted.chain(&side.leaving).chain(tasks.iter().map(|task| &task.task_definition)) {
            if !revisions.contains(&revision) {
                revisions.push(revision);
            }
        }
        sections.extend(revisions.into_iter().map(|revision| {
            let tasks: Vec<_> = tasks.iter().filter(|task| task.task_definition == *revision).collect();
            section(observed, list, (release, side), revision, &tasks)
        }));
    }
    let failing = |section: &Section<'_>| list.order == 0 && section.failed.is_some();
    sections.sort_by_key(|section| (!failing(section), section.part));
    sections
}

fn section<'a>(
    observed: &'a Observed,
    list: &List,
    (release, side): (&'a Release, &'a Side),
    revision: &TaskDefinitionArn,
    tasks: &[&'a Task],
) -> Section<'a> {
    let service = &side.service;
    let blamed: Vec<_> =
        tasks.iter().filter(|task| task.stopped() && Cause::of(task).is_some_and(Cause::blames_revision)).collect();
    let failures = stop_reason::failures(tasks.iter().copied()).into_iter().map(|failure| {
        let alike = |task: &&&Task| task.stopped() && Cause::of(task) == Some(failure.cause);
        Row {
            id: format!("{service} {revision} {:?}", failure.cause),
            kind: Kind::Failure { tasks: tasks.iter().filter(alike).copied().collect(), failure },
        }
    });
    let mut ended: Vec<_> = blamed.iter().filter_map(|task| task.stopped_at).collect();
    ended.sort_unstable();
    let restarts = |task: &Task| ended.partition_point(|at| task.created_at.is_some_and(|created| *at <= created));
    let mut sorted = tasks.to_vec();
    match list.order {
        0 => sorted.sort_by_key(|task| (worse_first(task), Reverse(when(task)))),
        1 => sorted.sort_by_key(|task| Reverse(when(task))),
        _ => sorted.sort_by_key(|task| (task.stopped(), task.zone.clone(), worse_first(task), Reverse(when(task)))),
    }
    if list.reversed {
        sorted.reverse();
    }
    let each =
        sorted.iter().map(|task| Row { id: task.arn.to_string(), kind: Kind::Task { task, restarts: restarts(task) } });
    let rows = failures.chain(each).collect();
    let up = || tasks.iter().filter(|task| !task.stopped());
    let rollout = observed.snapshot.service(service).and_then(|service| {
        let mut of_revision = service.rollouts.iter().filter(|rollout| rollout.task_definition == *revision);
        of_revision.next().filter(|_| of_revision.next().is_none())
    });
    Section {
        service,
        revision: revision.clone(),
        part: part(release, side, revision),
        wanted: rollout.map(|rollout| rollout.desired),
        running: up().filter(|task| task.status == "RUNNING").count(),
        pending: up().filter(|task| task.status != "RUNNING" && task.desired_status != "STOPPED").count(),
        failed: failed(blamed.iter().map(|task| **task)),
        rows,
    }
}

fn failed<'a>(blamed: impl Iterator<Item = &'a Task> + Clone) -> Option<Failed> {
    let began = blamed.clone().filter_map(|task| task.created_at.or(task.stopped_at)).min();
    let ended = blamed.clone().filter_map(|task| task.stopped_at).max();
    let within = began.zip(ended).map(|(began, ended)| ended.duration_since(began).max(SignedDuration::ZERO));
    let count = blamed.count();
    (count > 0).then(|| Failed { count, within: within.unwrap_or_default() })
}

fn part(release: &Release, side: &Side, revision: &TaskDefinitionArn) -> Part {
    let of = |side: &Side, other: &Side| side.service == other.service && other.task_definition == *revision;
    match &release.canary {
        Some(canary) if of(side, canary) && of(side, &release.stable) => Part::Both,
        Some(canary) if of(side, canary) => Part::Canary,
        Some(_) if of(side, &release.stable) => Part::Stable,
        None if side.task_definition == *revision && side.rolling => Part::New,
        None if side.task_definition == *revision => Part::Service,
        _ if side.leaving.contains(revision) => Part::Old,
        _ => Part::Gone,
    }
}

/// The rank of a task: unhealthy ones first, then starting, stopping, running and stopped ones.
fn worse_first(task: &Task) -> u8 {
    match (task.stopped(), task.health.as_deref()) {
        (true, _) => 4,
        (_, Some("UNHEALTHY")) => 0,
        _ if task.desired_status == "STOPPED" => 2,
        _ if task.status != "RUNNING" => 1,
        _ => 3,
    }
}

/// The time of the task's last change.
fn when(task: &Task) -> Option<Timestamp> {
    task.stopped_at.or(task.created_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::screen::View;
    use crate::console::state::Model;
    use crate::domain::observe::snapshot::Answer;
    use crate::testkit::consoles::{ago, failed, key, learn, rolling, service, stopped, tasks, td};

    fn heads(model: &Model, name: &str) -> Vec<(Part, String, usize)> {
        let sections = sections(&model.observed, model.screen.list(View::Tasks), model.release(name).unwrap());
        sections.iter().map(|section| (section.part, section.revision.tag(), section.rows.len())).collect()
    }

    #[test]
    fn the_revision_that_fails_comes_first_with_its_causes_on_top() {
        let model = failed((120, 40));
        assert_eq!(heads(&model, "checkout"), [(Part::Canary, ":42".into(), 9), (Part::Stable, ":41".into(), 18)]);
        let rows = rows(&model.observed, model.screen.list(View::Tasks), model.release("checkout").unwrap());
        let causes: Vec<_> = rows
            .iter()
            .filter_map(|row| match &row.kind {
                Kind::Failure { failure, tasks } => Some((failure.cause, failure.count, tasks.len())),
                Kind::Task { .. } => None,
            })
            .collect();
        assert_eq!(causes, [(Cause::CannotPull, 4, 4), (Cause::OutOfMemory, 2, 2)]);
        assert!(rows[0].text().contains("CannotPullContainerError"), "{}", rows[0].text());
        assert!(matches!(rows[2].kind, Kind::Task { task, .. } if !task.stopped()), "then those that are up");
    }

    #[test]
    fn a_task_counts_the_failures_before_it_and_what_scaled_away_is_none() {
        let mut model = rolling((120, 40));
        let payments = service("payments", "payments", 18, 6, 90);
        let exited = |seconds: i64| Task {
            stopped_at: Some(ago(seconds)),
            created_at: Some(ago(seconds + 20)),
            stop_code: Some("EssentialContainerExited".into()),
            exit_code: Some(1),
            ..stopped(&payments, "Essential container in task exited")
        };
        let scaled = Task {
            task_definition: td("payments", 17),
            stop_code: Some("ServiceSchedulerInitiated".into()),
            ..stopped(&payments, "Scaling activity initiated by (deployment ecs-svc/18)")
        };
        let mut all = vec![exited(300), exited(100), scaled];
        all.extend(tasks(&payments).into_iter().take(1).map(|task| Task { created_at: Some(ago(200)), ..task }));
        learn(&mut model, 1, Query::Tasks(key("payments")), Answer::Tasks(all));
        let sections = sections(&model.observed, model.screen.list(View::Tasks), model.release("payments").unwrap());
        let parts: Vec<_> = sections.iter().map(|section| (section.part, section.failed)).collect();
        let failed = Failed { count: 2, within: SignedDuration::from_secs(220) };
        assert_eq!(parts, [(Part::New, Some(failed)), (Part::Old, None)]);
        let up = sections[0].rows.iter().find_map(|row| match row.kind {
            Kind::Task { task, restarts } if !task.stopped() => Some(restarts),
            _ => None,
        });
        assert_eq!(up, Some(1), "the second failed after it was created");
    }
}
