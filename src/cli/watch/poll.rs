//! One poll of a watch: of the one release that is watched, and of nothing else.

use futures::StreamExt;
use jiff::SignedDuration;

use super::target::{Target, kept_nowhere};
use super::{Context, Watcher};
use crate::domain::assess;
use crate::domain::fault::Fault;
use crate::domain::observe::requirements;
use crate::domain::observe::requirements::{Ending, Freshness, Known, Need, Scope};

/// CloudWatch has something new once a minute.
const METRICS_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// Minutes of metrics: those that CloudWatch may still correct.
const MINUTES: i64 = 10;
/// Queries that are outstanding at a time.
const AT_ONCE: usize = 8;

impl Watcher<'_> {
    /// Reads what the watched release requires. The first failure of something essential.
    pub(super) async fn poll(&mut self) -> Option<Fault> {
        let now = self.with.clock.now();
        let Ok(release) = self.release() else { return None };
        let known = Known { snapshot: &self.seen.snapshot, settings: self.with.settings, now };
        let ending = self.target.as_ref().map_or(Ending::Undecided, Target::ending);
        let minute_over = now.duration_since(self.metrics_at) >= METRICS_EVERY;
        let mut required = requirements::required(Scope::Watch(ending), &[release], &known);
        required.retain(|it| match it.freshness {
            Freshness::Live | Freshness::Once => true,
            Freshness::Minutely => minute_over,
            Freshness::Settled => false,
        });
        let queries = |need| {
            let reads = required.iter().filter(|it| it.need == need).map(|it| it.read.clone());
            requirements::queries(reads, now, MINUTES).into_iter().map(move |query| (need, query))
        };
        let queries: Vec<_> = queries(Need::Essential).chain(queries(Need::Helpful)).collect();
        if minute_over {
            self.metrics_at = now;
        }
        let Context { cloud, clock, .. } = self.with;
        let answers = futures::stream::iter(queries)
            .map(|(need, query)| async move {
                let asked = clock.now();
                let answer = cloud.read(&query).await;
                (need, asked, query, answer)
            })
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let mut failed = None;
        for (need, asked, query, answer) in answers {
            match &answer {
                // Where no deployments are kept, the choice of what to watch does without them.
                Err(fault) if need == Need::Essential && (self.target.is_some() || !kept_nowhere(fault)) => {
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
