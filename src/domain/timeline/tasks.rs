//! Tasks that failed, those of one cause and one time as one entry.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Entry, Kind, Origin, TOGETHER};
use crate::domain::ecs::names::ServiceKey;
use crate::domain::ecs::service::Task;
use crate::domain::health::stop_reason::Cause;
use crate::domain::observe::snapshot::Snapshot;

/// Every failure among the stopped tasks, as long as ECS remembers them: an hour or more.
pub(super) fn entries(snapshot: &Snapshot, services: &[&ServiceKey]) -> Vec<Entry> {
    services.iter().flat_map(|service| of(snapshot, service)).collect()
}

fn of(snapshot: &Snapshot, service: &ServiceKey) -> Vec<Entry> {
    let tasks = snapshot.tasks.get(service).and_then(|reading| reading.get());
    let mut failed: BTreeMap<_, Vec<(Timestamp, &Task)>> = BTreeMap::new();
    for task in tasks.into_iter().flatten().filter(|task| task.stopped()) {
        let Some((cause, at)) = Cause::of(task).zip(task.stopped_at.or(task.stopping_at).or(task.created_at)) else {
            continue;
        };
        failed.entry((&task.task_definition, cause)).or_default().push((at, task));
    }
    let mut entries = Vec::new();
    for ((revision, cause), mut failed) in failed {
        failed.sort_by_key(|(at, task)| (*at, task.id()));
        for together in failed.chunk_by(|(before, _), (after, _)| after.duration_since(*before) <= TOGETHER) {
            let (Some((first, oldest)), Some((at, newest))) = (together.first(), together.last()) else { continue };
            let count = together.len();
            let what = if count == 1 { "a task".to_owned() } else { format!("{count} tasks") };
            let said = newest.stopped_reason.as_deref().filter(|reason| !reason.is_empty());
            let said = said.map(|reason| format!(": {reason}")).unwrap_or_default();
            let text = format!("{what} of {}: {}{said} (task {})", revision.tag(), cause.word(), newest.id());
            let id = format!("{revision} {cause:?} {}", oldest.id());
            // No call of ours stops a task.
            let hand = (cause == Cause::Stopped).then_some(Origin::Others);
            let entry = Entry::new(*at, Kind::Tasks, id, &*service.service, text).by(hand).wrong(true);
            entries.push(Entry { count, first: *first, ..entry });
        }
    }
    entries
}
