//! Stop reasons of tasks, grouped by cause. An engineer reads them before deciding to roll back or to wait.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::ecs::service::Task;

/// The cause of a task's stop, as far as ECS and the container report it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// `CannotPullContainerError`, `CannotPullImageManifestError`: the image could not be pulled.
    CannotPull,
    /// `ResourceInitializationError`: secrets, registry credentials or volumes were not available.
    Resources,
    /// `CannotStartContainerError`, `CannotCreateContainerError` and similar: the container did not start from its
    /// image.
    CannotStart,
    /// `OutOfMemoryError`: the kernel killed the container for lack of memory.
    OutOfMemory,
    /// The essential container exited by itself, with this code.
    Exited(i32),
    /// The container's own health check failed.
    Unhealthy,
    /// The load balancer's health check failed.
    TargetUnhealthy,
    /// Spot capacity was reclaimed.
    Spot,
    /// The host or its network failed or was removed.
    Infrastructure,
    /// A person stopped the task.
    Stopped,
    /// Any other cause.
    Other,
}

/// Tasks that stopped for the same cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure<'a> {
    /// The cause.
    pub cause: Cause,
    /// Number of tasks.
    pub count: usize,
    /// The newest of the tasks.
    pub newest: &'a Task,
}

impl Cause {
    /// The cause of a stopped task; `None`: ECS stopped the task in normal operation.
    pub fn of(task: &Task) -> Option<Self> {
        let reason = task.stopped_reason.as_deref().unwrap_or_default();
        let has = |words: &[&str]| words.iter().any(|word| reason.contains(word));
        let exit = task.exit_code.filter(|exit| *exit != 0);
        Some(match task.stop_code.as_deref().unwrap_or_default() {
            _ if has(&["CannotPull"]) => Self::CannotPull,
            _ if has(&["ResourceInitializationError"]) => Self::Resources,
            _ if has(&["OutOfMemory"]) => Self::OutOfMemory,
            _ if has(&["CannotStart", "CannotCreate", "CannotInspect", "ContainerRuntime"]) => Self::CannotStart,
            // The scheduler uses one code for failed health checks and for scaling in.
            _ if has(&["failed ELB health checks", "is unhealthy in"]) => Self::TargetUnhealthy,
            _ if has(&["failed container health checks"]) => Self::Unhealthy,
            // A container exits with 143 after a stop request, and with 137 when killed.
            "ServiceSchedulerInitiated" => return None,
            "SpotInterruption" => Self::Spot,
            "TerminationNotice" | "InfrastructureHealth" => Self::Infrastructure,
            "UserInitiated" => Self::Stopped,
            _ if has(&["Host EC2", "network interface", "InternalError"]) => Self::Infrastructure,
            "EssentialContainerExited" => task.exit_code.map_or(Self::Other, Self::Exited),
            _ => exit.map_or(Self::Other, Self::Exited),
        })
    }

    /// The cause in a few words.
    pub fn word(self) -> String {
        match self {
            Self::CannotPull => "cannot pull the image".to_owned(),
            Self::Resources => "secrets, credentials or volumes not available".to_owned(),
            Self::CannotStart => "the container cannot be started".to_owned(),
            Self::OutOfMemory => "out of memory".to_owned(),
            Self::Exited(code) => match exit_meaning(code) {
                Some(meaning) => format!("exit {code} ({meaning})"),
                None => format!("exit {code}"),
            },
            Self::Unhealthy => "failed its container health check".to_owned(),
            Self::TargetUnhealthy => "failed the load balancer's health checks".to_owned(),
            Self::Spot => "Spot capacity was taken back".to_owned(),
            Self::Infrastructure => "its host or network failed".to_owned(),
            Self::Stopped => "stopped by somebody".to_owned(),
            Self::Other => "other reasons".to_owned(),
        }
    }

    /// The cause in the fewest words, for narrow places.
    pub fn brief(self) -> String {
        match self {
            Self::CannotPull => "cannot pull".to_owned(),
            Self::Resources => "no secrets or volumes".to_owned(),
            Self::CannotStart => "cannot start".to_owned(),
            Self::Exited(code) => format!("exit {code}"),
            Self::Unhealthy => "container unhealthy".to_owned(),
            Self::TargetUnhealthy => "failed health checks".to_owned(),
            other => other.word(),
        }
    }

    /// Returns true if the cause speaks against the revision: neither the platform nor a person caused the stop.
    pub fn blames_revision(self) -> bool {
        !matches!(self, Self::Spot | Self::Infrastructure | Self::Stopped)
    }
}

/// The conventional meaning of an exit code; a code above 128 stands for the signal that ended the process.
pub fn exit_meaning(code: i32) -> Option<&'static str> {
    Some(match code {
        0 => "ended by itself",
        1 => "the application's own error",
        126 => "the command cannot be run",
        127 => "the command was not found",
        134 => "SIGABRT: aborted",
        137 => "SIGKILL: out of memory, or did not stop in time",
        139 => "SIGSEGV: crashed",
        143 => "SIGTERM: asked to stop",
        _ => return None,
    })
}

/// The failures among tasks: causes that speak against the revision first, then the most frequent ones.
pub fn failures<'a>(tasks: impl IntoIterator<Item = &'a Task>) -> Vec<Failure<'a>> {
    let mut grouped: BTreeMap<Cause, Failure<'a>> = BTreeMap::new();
    for task in tasks.into_iter().filter(|task| task.stopped()) {
        let Some(cause) = Cause::of(task) else { continue };
        let failure = grouped.entry(cause).or_insert(Failure { cause, count: 0, newest: task });
        failure.count += 1;
        if when(failure.newest) < when(task) {
            failure.newest = task;
        }
    }
    let mut failures: Vec<_> = grouped.into_values().collect();
    failures.sort_by_key(|failure| (!failure.cause.blames_revision(), Reverse(failure.count), failure.cause));
    failures
}

fn when(task: &Task) -> Option<Timestamp> {
    task.stopped_at.or(task.created_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ecs::names::{Arn, TaskDefinitionArn};

    fn stopped(code: &str, reason: &str, exit: Option<i32>, at: i64) -> Task {
        Task {
            arn: Arn::new(format!("arn:aws:ecs:us-east-1:123456789012:task/prod/{at:08x}")),
            task_definition: TaskDefinitionArn::new("arn:aws:ecs:us-east-1:123456789012:task-definition/shop:42"),
            started_by: None,
            status: "STOPPED".into(),
            desired_status: "STOPPED".into(),
            health: None,
            created_at: None,
            pulled: (None, None),
            started_at: None,
            stopped_at: Timestamp::from_second(at).ok(),
            stop_code: Some(code.into()),
            stopped_reason: Some(reason.into()),
            exit_code: exit,
            stopping_at: None,
            image_digests: Vec::new(),
            zone: None,
            address: None,
            ipv6: None,
            instance: None,
            host_ports: Vec::new(),
            execute_command: false,
            protected_until: None,
            containers: Vec::new(),
        }
    }

    #[test]
    fn each_way_to_stop_has_its_cause() {
        let scaling = "Scaling activity initiated by (deployment ecs-svc/1)";
        let table = [
            ("TaskFailedToStart", "CannotPullContainerError: not found", None, Some(Cause::CannotPull)),
            ("TaskFailedToStart", "ResourceInitializationError: unable to pull secrets", None, Some(Cause::Resources)),
            ("TaskFailedToStart", "CannotStartContainerError: no such file", None, Some(Cause::CannotStart)),
            ("EssentialContainerExited", "OutOfMemoryError: Container killed", Some(137), Some(Cause::OutOfMemory)),
            ("EssentialContainerExited", "Essential container in task exited", Some(1), Some(Cause::Exited(1))),
            ("EssentialContainerExited", "Essential container in task exited", Some(0), Some(Cause::Exited(0))),
            ("ServiceSchedulerInitiated", scaling, None, None),
            ("ServiceSchedulerInitiated", scaling, Some(143), None),
            (
                "ServiceSchedulerInitiated",
                "Task failed ELB health checks in (target-group x)",
                Some(143),
                Some(Cause::TargetUnhealthy),
            ),
            ("ServiceSchedulerInitiated", "Task failed container health checks", Some(137), Some(Cause::Unhealthy)),
            ("SpotInterruption", "Your Spot Task was interrupted.", None, Some(Cause::Spot)),
            ("", "Host EC2 (instance i-1) terminated.", None, Some(Cause::Infrastructure)),
            ("UserInitiated", "Task stopped by user", Some(143), Some(Cause::Stopped)),
            ("", "", Some(2), Some(Cause::Exited(2))),
            ("", "", None, Some(Cause::Other)),
        ];
        for (code, reason, exit, cause) in table {
            assert_eq!(Cause::of(&stopped(code, reason, exit, 0)), cause, "{code} {reason} {exit:?}");
        }
        assert_eq!(Cause::Exited(139).word(), "exit 139 (SIGSEGV: crashed)");
    }

    #[test]
    fn one_cause_is_one_failure_with_its_newest_task_and_the_revision_is_blamed_first() {
        let tasks = [
            stopped("SpotInterruption", "", None, 9),
            stopped("SpotInterruption", "", None, 8),
            stopped("TaskFailedToStart", "CannotPullContainerError: old", None, 1),
            stopped("TaskFailedToStart", "CannotPullContainerError: new", None, 5),
            stopped("TaskFailedToStart", "CannotPullContainerError: older", None, 3),
            stopped("EssentialContainerExited", "", Some(1), 2),
            stopped("ServiceSchedulerInitiated", "Scaling activity", Some(143), 7),
        ];
        let found = failures(&tasks);
        let told: Vec<_> = found.iter().map(|it| (it.cause, it.count)).collect();
        assert_eq!(told, [(Cause::CannotPull, 3), (Cause::Exited(1), 1), (Cause::Spot, 2)]);
        assert_eq!(found[0].newest.stopped_reason.as_deref(), Some("CannotPullContainerError: new"));
    }
}
