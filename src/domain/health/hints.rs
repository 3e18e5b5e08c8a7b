//! Hints about a failure: not findings, but places to look at and possible explanations.

use jiff::SignedDuration;

use super::stop_reason::Cause;
use crate::domain::ecs::service::{Service, Task, TaskDefinition};

/// The context of failed tasks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around<'a> {
    /// The service of the tasks.
    pub service: Option<&'a Service>,
    /// The task definition of the tasks.
    pub definition: Option<&'a TaskDefinition>,
}

/// The shortest and the longest life of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lived {
    /// The shortest life.
    pub shortest: SignedDuration,
    /// The longest.
    pub longest: SignedDuration,
}

impl Lived {
    /// The lives of tasks that started and stopped; `None`: there are no such tasks.
    pub fn of<'a>(tasks: impl IntoIterator<Item = &'a Task>) -> Option<Self> {
        let lives: Vec<_> = tasks.into_iter().filter_map(lived).collect();
        Some(Self { shortest: *lives.iter().min()?, longest: *lives.iter().max()? })
    }

    /// `62–71 s`, `4 s`, `12 min`.
    pub fn words(self) -> String {
        let (short, long) = (self.shortest.as_secs(), self.longest.as_secs());
        match (short, long) {
            (short, long) if short == long && long < 120 => format!("{long} s"),
            (short, long) if long < 120 => format!("{short}–{long} s"),
            (short, long) if short / 60 == long / 60 => format!("{} min", long / 60),
            (short, long) if short < 120 => format!("{short} s to {} min", long / 60),
            (short, long) => format!("{}–{} min", short / 60, long / 60),
        }
    }
}

/// The life of a task, from its start to its stop or the stop request.
pub fn lived(task: &Task) -> Option<SignedDuration> {
    let ended = task.stopping_at.or(task.stopped_at)?;
    Some(ended.duration_since(task.started_at?).max(SignedDuration::ZERO))
}

/// Limit after the grace period: a task killed for its health before this limit was hardly ever healthy.
const SOON_AFTER: SignedDuration = SignedDuration::from_mins(3);

/// The hints for a cause, the most likely first, with the keys for the next step. `tasks`: all tasks that failed for
/// the cause.
pub fn hints<'a>(cause: Cause, tasks: impl IntoIterator<Item = &'a Task>, around: Around<'_>) -> Vec<String> {
    let lived = Lived::of(tasks);
    let definition = around.definition;
    let mut hints = Vec::new();
    match cause {
        Cause::CannotPull => {
            let images = definition.map(|definition| definition.images.as_slice()).unwrap_or_default();
            for (container, image) in images.iter().take(3) {
                hints.push(format!("{container} asks for {image}"));
            }
            hints
                .push("does that tag exist, and may the execution role pull it? d shows whether it changed".to_owned());
        }
        Cause::Resources => {
            hints
                .push("d shows which secrets and roles changed; the execution role reads them before the start".into());
        }
        Cause::CannotStart => hints.push("d shows whether command, entry point or volumes changed".to_owned()),
        Cause::OutOfMemory => {
            hints.push(limit(definition));
            hints.push("l shows what it did last; d whether its memory or its version changed".to_owned());
        }
        Cause::Exited(137) => {
            hints.push(format!("killed, and ECS does not say for want of memory; {}", limit(definition)));
            hints.push("or it did not end within its stopTimeout when it was asked to".to_owned());
        }
        Cause::Exited(126 | 127) => hints.push("d shows whether command or image changed".to_owned()),
        Cause::Exited(0) => {
            hints.push("it ended without an error: a service's essential container must go on running".to_owned());
        }
        Cause::Exited(_) => hints.push("enter shows its last words; d what changed".to_owned()),
        Cause::Unhealthy => hints.push("l shows why its check fails; d whether the check changed".to_owned()),
        Cause::TargetUnhealthy => {
            hints.extend(lived.map(|lived| grace(lived, around.service)));
            hints.push("g shows what the load balancer gets instead; l what the task says of it".to_owned());
        }
        Cause::Spot | Cause::Infrastructure => {
            hints.push("not the revision's doing: ECS starts another one elsewhere".to_owned());
        }
        Cause::Stopped => hints.push("e shows who does what here".to_owned()),
        Cause::Other => hints.push("enter shows its last words, e what ECS says".to_owned()),
    }
    hints
}

fn limit(definition: Option<&TaskDefinition>) -> String {
    match definition.and_then(|definition| definition.memory.as_ref()) {
        Some(memory) => format!("the task may use {memory} MiB"),
        None => "its memory limit is each container's own: y shows it".to_owned(),
    }
}

/// The lives of the tasks compared with the health check grace period.
fn grace(lived: Lived, service: Option<&Service>) -> String {
    let words = lived.words();
    let Some(service) = service else { return format!("they lived {words}") };
    let grace = SignedDuration::from_secs(service.grace.unwrap_or(0).into());
    match lived {
        _ if grace.is_zero() && lived.longest <= SOON_AFTER => {
            format!(
                "they lived {words}; no grace period is set: failed checks count from the start. Do they start slower?"
            )
        }
        _ if lived.shortest >= grace && lived.longest <= grace + SOON_AFTER => {
            format!("they lived {words}; the grace period is {} s: too short for their start?", grace.as_secs())
        }
        _ if lived.shortest > grace + SOON_AFTER => {
            format!("they lived {words}, long past the grace period of {} s: it is not their start", grace.as_secs())
        }
        _ => format!("they lived {words}; the grace period is {} s", grace.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::consoles::{ago, service, stopped};

    fn task(lived: i64) -> Task {
        let service = service("payments", "payments", 18, 6, 90);
        let mut task = stopped(&service, "Task failed ELB health checks");
        (task.started_at, task.stopping_at, task.stopped_at) = (Some(ago(1_000)), Some(ago(1_000 - lived)), None);
        task
    }

    #[test]
    fn how_long_they_lived_is_held_against_the_grace_period() {
        let said = |lives: &[i64], grace: Option<u32>| {
            let tasks: Vec<_> = lives.iter().map(|lived| task(*lived)).collect();
            let service = Service { grace, ..service("payments", "payments", 18, 6, 90) };
            let around = Around { service: Some(&service), definition: None };
            hints(Cause::TargetUnhealthy, &tasks, around).remove(0)
        };
        let table = [
            (&[62, 71][..], Some(60), "they lived 62–71 s; the grace period is 60 s: too short for their start?"),
            (
                &[65],
                None,
                "they lived 65 s; no grace period is set: failed checks count from the start. Do they start slower?",
            ),
            (&[900, 980], Some(60), "they lived 15–16 min, long past the grace period of 60 s: it is not their start"),
            (&[30, 200], Some(60), "they lived 30 s to 3 min; the grace period is 60 s"),
        ];
        for (lives, grace, words) in table {
            assert_eq!(said(lives, grace), words);
        }
        let none = hints(Cause::TargetUnhealthy, [], Around::default());
        assert_eq!(none.len(), 1, "of those that never started nothing is said");
    }

    #[test]
    fn what_cannot_be_pulled_is_named_and_a_kill_is_not_called_what_it_may_not_be() {
        let definition = TaskDefinition {
            arn: service("payments", "payments", 18, 6, 90).task_definition,
            active: true,
            registered_at: None,
            images: vec![("app".into(), "shop/payments:4.2.1".into())],
            cpu: None,
            memory: Some("1024".into()),
            logs: Vec::new(),
        };
        let around = Around { service: None, definition: Some(&definition) };
        assert_eq!(hints(Cause::CannotPull, [], around)[0], "app asks for shop/payments:4.2.1");
        let killed = "killed, and ECS does not say for want of memory; the task may use 1024 MiB";
        assert_eq!(hints(Cause::Exited(137), [], around)[0], killed);
        let unknown = "its memory limit is each container's own: y shows it";
        assert_eq!(hints(Cause::OutOfMemory, [], Around::default())[0], unknown);
    }
}
