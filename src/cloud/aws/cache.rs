//! What earlier answers have taught, shared by both lanes: the rules in full, so that a rollback can be written
//! while reads hang, and what never changes, so that it is not asked for again.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::domain::ecs::deployment::{ServiceDeployment, ServiceRevision};
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::ecs::route::RouteId;
use crate::domain::fault::Fault;

use super::discovery::Discovery;
use super::found::Found;
use super::protection::Protection;
use super::rule::Rule;

/// A read that is out for longer than this is taken to hang.
const LATE: Duration = Duration::from_secs(1);

/// More than any account has deployments within the 90 days that AWS keeps them.
const MOST_REMEMBERED: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct Memory {
    rules: Mutex<HashMap<RouteId, Rule>>,
    reads: Mutex<Reads>,
    /// The findings of the reads of services.
    pub(super) found: Found,
    /// The last look for rules.
    pub(super) discovery: Discovery,
    /// The routes were read once, or could not be.
    routed: AtomicBool,
    revisions: Mutex<HashMap<Arn, Known>>,
    ended: Mutex<HashMap<Arn, ServiceDeployment>>,
    /// EC2 instances by container instance; `None` for one that AWS does not show.
    instances: Mutex<HashMap<Arn, Option<String>>>,
    /// AWS denied the question for auto scaling, or does not know it.
    pub(super) scaling_denied: AtomicBool,
    /// The protection of tasks, by service.
    protection: Mutex<HashMap<ServiceKey, Protection>>,
    pub(super) account: OnceLock<String>,
}

/// A revision, as far as it is known.
#[derive(Debug, Clone)]
struct Known {
    revision: Arc<ServiceRevision>,
    /// ECS moves traffic to it, and says at some time where.
    takes_traffic: bool,
}

impl Known {
    fn whole(&self) -> bool {
        let ServiceRevision { images, target_groups, .. } = &*self.revision;
        !images.is_empty()
            && images.iter().all(|image| image.digest.is_some())
            && (!self.takes_traffic || !target_groups.is_empty())
    }
}

/// How the reads of rules fare.
#[derive(Debug, Default)]
struct Reads {
    /// The newest one to end was answered.
    answered: bool,
    /// How many are out for too long.
    late: usize,
}

/// A poisoned lock only means that another thread panicked; every value here is whole at all times.
fn open<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    pub(super) fn rule(&self, id: &RouteId) -> Option<Rule> {
        open(&self.rules).get(id).cloned()
    }

    pub(super) fn keep_rule(&self, rule: Rule) {
        open(&self.rules).insert(rule.route.id.clone(), rule);
    }

    /// Replaces all rules: what was not read again is gone.
    pub(super) fn keep_only(&self, rules: impl IntoIterator<Item = Rule>) {
        *open(&self.rules) = rules.into_iter().map(|rule| (rule.route.id.clone(), rule)).collect();
    }

    /// Every rule that is known.
    pub(super) fn rules(&self) -> Vec<Rule> {
        open(&self.rules).values().cloned().collect()
    }

    /// Returns true while services and routes are being read for the first time.
    pub(super) fn is_first_look(&self) -> bool {
        !self.found.was_swept() || !self.routed.load(Ordering::Relaxed)
    }

    /// The first look at the routes is over.
    pub(super) fn looked_at_routes(&self) {
        self.routed.store(true, Ordering::Relaxed);
    }

    /// Whether a read of a rule would be answered, going by the last ones.
    pub(super) fn reads_are_live(&self) -> bool {
        let reads = open(&self.reads);
        reads.answered && reads.late == 0
    }

    /// Runs a read of rules and notes how it fares. One that is given up on counts as not answered.
    pub(super) async fn watch<T>(&self, read: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        self.watch_until(read, tokio::time::sleep(LATE)).await
    }

    async fn watch_until<T>(
        &self,
        read: impl Future<Output = Result<T, Fault>>,
        late: impl Future<Output = ()>,
    ) -> Result<T, Fault> {
        let (mut read, late) = (pin!(read), pin!(late));
        let mut watch = Watch { memory: self, late: false, ended: false };
        let answer = tokio::select! {
            biased;
            answer = &mut read => answer,
            () = late => {
                watch.late = true;
                open(&self.reads).late += 1;
                read.await
            }
        };
        open(&self.reads).answered = answer.is_ok();
        watch.ended = true;
        answer
    }

    pub(super) fn revision(&self, arn: &str) -> Option<Arc<ServiceRevision>> {
        open(&self.revisions).get(&Arn::new(arn)).map(|known| known.revision.clone())
    }

    /// Whether it is known, and something of it is not.
    pub(super) fn is_incomplete(&self, arn: &str) -> bool {
        open(&self.revisions).get(&Arn::new(arn)).is_some_and(|known| !known.whole())
    }

    /// What was known and is not said any more is kept.
    pub(super) fn keep_revision(&self, mut revision: ServiceRevision, takes_traffic: bool) {
        let arn = revision.arn.clone();
        if let Some(known) = self.revision(arn.as_str()) {
            learnt(&mut revision, &known);
        }
        keep(&self.revisions, arn, Known { revision: Arc::new(revision), takes_traffic });
    }

    /// A deployment that has ended stays as it is; more may have become known of its revisions.
    pub(super) fn ended(&self, arn: &Arn) -> Option<ServiceDeployment> {
        let mut deployment = open(&self.ended).get(arn).cloned()?;
        let rollback = deployment.rollback.as_mut().and_then(|rollback| rollback.to.as_mut());
        for revision in deployment.target.iter_mut().chain(&mut deployment.sources).chain(rollback) {
            if let Some(known) = self.revision(revision.arn.as_str()) {
                *revision = known;
            }
        }
        Some(deployment)
    }

    /// The EC2 instance of a container instance; `None`: it was not asked for yet.
    pub(super) fn instance(&self, arn: &str) -> Option<Option<String>> {
        open(&self.instances).get(&Arn::new(arn)).cloned()
    }

    pub(super) fn keep_instance(&self, arn: Arn, instance: Option<String>) {
        keep(&self.instances, arn, instance);
    }

    pub(super) fn protection(&self, service: &ServiceKey) -> Option<Protection> {
        open(&self.protection).get(service).cloned()
    }

    pub(super) fn keep_protection(&self, service: &ServiceKey, protection: Protection) {
        open(&self.protection).insert(service.clone(), protection);
    }

    pub(super) fn keep_ended(&self, deployment: &ServiceDeployment) {
        keep(&self.ended, deployment.arn.clone(), deployment.clone());
    }
}

/// Adds to a revision what an earlier answer had of it.
fn learnt(revision: &mut ServiceRevision, before: &ServiceRevision) {
    if revision.images.is_empty() {
        revision.images.clone_from(&before.images);
    }
    for image in revision.images.iter_mut().filter(|image| image.digest.is_none()) {
        let was = before.images.iter().find(|was| was.container == image.container && was.image == image.image);
        image.digest = was.and_then(|was| was.digest.clone());
    }
    if revision.target_groups.is_empty() {
        revision.target_groups.clone_from(&before.target_groups);
    }
    if revision.production_rule.is_none() {
        revision.production_rule.clone_from(&before.production_rule);
    }
    if revision.managed_groups.is_empty() {
        revision.managed_groups.clone_from(&before.managed_groups);
    }
    if revision.surroundings.is_empty() {
        revision.surroundings.clone_from(&before.surroundings);
    }
}

fn keep<T>(map: &Mutex<HashMap<Arn, T>>, arn: Arn, value: T) {
    let mut map = open(map);
    if map.len() >= MOST_REMEMBERED {
        map.clear();
    }
    map.insert(arn, value);
}

/// Takes a read off the books, also when it is dropped on the way.
struct Watch<'a> {
    memory: &'a Memory,
    late: bool,
    ended: bool,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut reads = open(&self.memory.reads);
        if self.late {
            reads.late = reads.late.saturating_sub(1);
        }
        if !self.ended {
            reads.answered = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::FaultKind;
    use futures::FutureExt;

    fn fault() -> Fault {
        Fault::new(FaultKind::Throttled, "DescribeRules", "rule", "Rate exceeded")
    }

    #[tokio::test]
    async fn reads_are_live_while_they_are_answered() {
        let memory = Memory::default();
        assert!(!memory.reads_are_live(), "nothing was read yet");
        memory.watch(async { Ok(()) }).await.unwrap();
        assert!(memory.reads_are_live());
        memory.watch(async { Err::<(), _>(fault()) }).await.unwrap_err();
        assert!(!memory.reads_are_live(), "the last one failed");
        memory.watch(async { Ok(()) }).await.unwrap();
        assert!(memory.reads_are_live());
    }

    #[tokio::test]
    async fn a_read_that_hangs_makes_them_not_live_until_one_is_answered() {
        let memory = Memory::default();
        memory.watch(async { Ok(()) }).await.unwrap();
        let (passes, late) = tokio::sync::oneshot::channel::<()>();
        let read = std::future::pending::<Result<(), Fault>>();
        let mut hanging = Box::pin(memory.watch_until(read, late.map(|_| ())));
        assert!((&mut hanging).now_or_never().is_none());
        assert!(memory.reads_are_live(), "it has only just been sent");
        passes.send(()).unwrap();
        assert!((&mut hanging).now_or_never().is_none());
        assert!(!memory.reads_are_live(), "it is late");
        drop(hanging);
        assert!(!memory.reads_are_live(), "it was given up on");
        memory.watch(async { Ok(()) }).await.unwrap();
        assert!(memory.reads_are_live());
    }
}
