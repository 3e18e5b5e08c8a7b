//! One look of a watch: at the one release that is watched, and at nothing else.

use std::collections::BTreeSet;

use futures::StreamExt;
use jiff::SignedDuration;

use super::target::{Target, kept_nowhere};
use super::{Context, Watcher};
use crate::cli::observe::behind;
use crate::domain::analysis::alarms;
use crate::domain::assess;
use crate::domain::fault::Fault;
use crate::domain::health::rollout;
use crate::domain::metrics::MetricsQuery;
use crate::domain::metrics::source::Resolution;
use crate::domain::observe::snapshot::Query;
use crate::domain::release::Side;

/// CloudWatch has something new once a minute.
const METRICS_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// How many questions are asked at a time.
const AT_ONCE: usize = 8;

impl Watcher<'_> {
    /// Asks for all that matters of this release, and for what goes with it. The first failure that matters.
    pub(super) async fn look(&mut self) -> Option<Fault> {
        let now = self.with.clock.now();
        let Ok(release) = self.release() else { return None };
        let sides: Vec<Side> = release.sides().cloned().collect();
        let services: BTreeSet<_> = sides.iter().map(|side| side.service.clone()).collect();
        // Of a service that ECS shifts, both of its target groups: which of them serves is about to change.
        let of_services = services.iter().filter_map(|service| self.seen.snapshot.service(service));
        let groups: BTreeSet<_> = of_services.flat_map(|service| service.target_groups.iter().cloned()).collect();
        let routes = self.seen.snapshot.routes.get().into_iter().flat_map(|routes| routes.values());
        let routes: Vec<_> =
            routes.filter(|route| route.forwards.iter().any(|to| groups.contains(&to.target_group))).collect();
        let of_services: Vec<_> = services.into_iter().map(Query::Service).collect();
        let of_routes: Vec<_> = routes.iter().map(|route| Query::Route(route.id.clone())).collect();
        let of_deployments = vec![Query::Deployments(release.stable.service.clone())];
        // That it ended is told by these; that the others fail is no reason not to hear of it.
        let (needed, mut beside) = match &self.target {
            Some(Target::Deployment { .. }) => (of_deployments, [of_services, of_routes].concat()),
            Some(Target::Rollout { .. }) => (of_services, of_routes),
            Some(Target::Pair { .. }) => ([of_services, of_routes].concat(), Vec::new()),
            None => ([of_services, of_deployments].concat(), of_routes),
        };
        if !groups.is_empty() {
            beside.push(Query::Health(groups.iter().cloned().collect()));
        }
        beside.extend(rollout::failing(release, &self.seen.snapshot).map(|service| Query::Tasks(service.clone())));
        let unread: BTreeSet<_> = sides
            .iter()
            .map(|side| side.task_definition.clone())
            .filter(|revision| self.seen.snapshot.task_definition(revision).is_none())
            .collect();
        if !unread.is_empty() {
            beside.push(Query::TaskDefinitions(unread.into_iter().collect()));
        }
        let alarms = alarms::names(release, &self.seen.snapshot, self.with.settings);
        if now.duration_since(self.metrics_at) >= METRICS_EVERY {
            self.metrics_at = now;
            if !alarms.is_empty() {
                beside.push(Query::Alarms(alarms.into_iter().collect()));
            }
            let known = sides.iter().filter_map(|side| side.meter.clone());
            let meters: BTreeSet<_> = known.chain(behind(&groups, &self.seen.snapshot)).collect();
            if !meters.is_empty() {
                let meters = meters.into_iter().map(|meter| (meter, Resolution::Brief)).collect();
                let metrics = MetricsQuery::last(meters, now, 10);
                beside.extend(metrics.by_source().into_iter().map(Query::Metrics));
            }
        }
        let Context { cloud, clock, .. } = self.with;
        let answers = futures::stream::iter(needed.into_iter().map(|query| (true, query)))
            .chain(futures::stream::iter(beside.into_iter().map(|query| (false, query))))
            .map(|(needed, query)| async move {
                let asked = clock.now();
                let answer = cloud.read(&query).await;
                (needed, asked, query, answer)
            })
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let mut failed = None;
        for (needed, asked, query, answer) in answers {
            match &answer {
                // Where no deployments are kept, the choice of what to watch does without them.
                Err(fault) if needed && (self.target.is_some() || !kept_nowhere(fault)) => {
                    failed = failed.or_else(|| Some(fault.clone()));
                }
                Err(fault) => self.remark(fault),
                Ok(_) => {}
            }
            self.seen.snapshot.apply(asked, &query, answer);
        }
        if failed.is_none() {
            // Of all services only these are shown, and these are as new as this.
            let snapshot = &mut self.seen.snapshot;
            snapshot.services.value.iter_mut().for_each(|(at, _)| *at = now);
            snapshot.routes.value.iter_mut().for_each(|(at, _)| *at = now);
        }
        let seen = &mut self.seen;
        seen.releases = assess::releases(&seen.snapshot, self.with.settings, &seen.ours, self.with.clock.now());
        failed
    }

    /// Says once what cannot be read, and is done without.
    fn remark(&mut self, fault: &Fault) {
        if self.remarked.insert(fault.operation.clone()) {
            self.out.remark(&format!("not read: {fault}"));
        }
    }
}
