//! Scale-in protection of tasks: ECS does not stop a protected task to replace it or to have fewer.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::ecs::service::Task;
use crate::domain::fault::FaultKind;

use super::Aws;
use super::operation::Operation;
use super::time::maybe;

/// GetTaskProtection takes as many tasks in one call.
const TASKS_A_CALL: usize = 100;

/// Tasks are described every few seconds; their protection lasts for minutes at least.
const KEEPS: Duration = Duration::from_secs(60);

/// The protection of a service's tasks, as it was read.
#[derive(Debug, Clone)]
pub(super) struct Protection {
    /// The time of the next question, on the budget's clock; `None`: never, AWS denies it.
    again_at: Option<Duration>,
    /// The tasks that were asked about.
    of: HashSet<Arn>,
    /// The end of each protected task's protection.
    until: HashMap<Arn, Timestamp>,
}

impl Aws {
    /// Tasks with the end of their protection. Without an answer that is not known, and stands in nobody's way.
    pub(super) async fn with_protection(&self, key: &ServiceKey, tasks: Vec<Task>) -> Vec<Task> {
        let now = self.budget.elapsed();
        let lives: HashSet<Arn> = tasks.iter().filter(|task| !task.stopped()).map(|task| task.arn.clone()).collect();
        let holds = |known: &Protection| known.again_at.is_none_or(|at| now < at && lives.is_subset(&known.of));
        let protection = match self.memory.protection(key).filter(holds) {
            Some(known) => known,
            None => {
                let read = self.read_protection(key, lives, now + KEEPS).await;
                self.memory.keep_protection(key, read.clone());
                read
            }
        };
        let with = |task: Task| Task { protected_until: protection.until.get(&task.arn).copied(), ..task };
        tasks.into_iter().map(with).collect()
    }

    async fn read_protection(&self, key: &ServiceKey, of: HashSet<Arn>, again_at: Duration) -> Protection {
        let operation = Operation::GetTaskProtection;
        let arns: Vec<String> = of.iter().map(|task| task.as_str().to_owned()).collect();
        let mut read = Protection { again_at: Some(again_at), of, until: HashMap::new() };
        for batch in arns.chunks(TASKS_A_CALL) {
            let call = self.clients.ecs.get_task_protection().cluster(&key.cluster).set_tasks(Some(batch.to_vec()));
            match self.ask(operation, &key.to_string(), call.send()).await {
                Ok(answer) => {
                    let protected = answer.protected_tasks().iter().filter(|task| task.protection_enabled());
                    read.until.extend(
                        protected.filter_map(|task| Some((Arn::new(task.task_arn()?), maybe(task.expiration_date())?))),
                    );
                }
                Err(fault) => {
                    tracing::debug!(%fault, "the protection of tasks is not known");
                    let again_at = read.again_at.filter(|_| fault.kind != FaultKind::Denied);
                    return Protection { again_at, ..read };
                }
            }
        }
        read
    }
}
