//! The parts of the scopes.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{Ending, Freshness, Known, Need, Read, Requirement, metrics_of_groups, rollback_candidates};
use crate::domain::analysis::alarms;
use crate::domain::ecs::names::{Arn, TaskDefinitionArn};
use crate::domain::health::{rollout, steadiness};
use crate::domain::metrics::source::{MetricSource, Resolution};
use crate::domain::release::{Method, Release, Side};

/// Time after the end of a rollout during which its outcome is still read.
const JUST_ENDED: SignedDuration = SignedDuration::from_hours(1);

/// Each method is one part.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a, 'k> {
    pub(super) release: &'a Release,
    pub(super) known: &'k Known<'k>,
}

impl<'a> Parts<'a, '_> {
    fn helpful(&self, read: Read, freshness: Freshness) -> Requirement<'a> {
        Requirement { read, release: Some(self.release), need: Need::Helpful, freshness }
    }

    fn live(&self, reads: impl IntoIterator<Item = Read>) -> Vec<Requirement<'a>> {
        reads.into_iter().map(|read| self.helpful(read, Freshness::Live)).collect()
    }

    /// Health of the target groups that serve the sides, and of all target groups with traffic.
    pub(super) fn side_health(&self) -> Vec<Requirement<'a>> {
        let of_sides = self.release.sides().flat_map(|side| side.groups().cloned());
        let groups: BTreeSet<_> =
            of_sides.chain(steadiness::served_groups(self.release, self.known.snapshot)).collect();
        self.live(groups.into_iter().map(Read::Health))
    }

    /// Health of every target group of the release's services. For a service that ECS shifts, only the history tells
    /// which target group serves which revision, and the assignment changes with the traffic.
    pub(super) fn all_health(&self) -> Vec<Requirement<'a>> {
        self.live(self.groups().into_iter().map(Read::Health))
    }

    fn groups(&self) -> BTreeSet<Arn> {
        let services = self.release.services().filter_map(|side| self.known.snapshot.service(&side.service));
        let of_services = services.flat_map(|service| &service.target_groups);
        self.release.sides().flat_map(|side| side.groups()).chain(of_services).cloned().collect()
    }

    /// The metrics that the verdict compares.
    pub(super) fn minutes(&self, resolution: Resolution) -> Vec<Requirement<'a>> {
        let sources = self.release.sides().filter_map(|side| side.meter.clone());
        self.minutely(sources.map(|source| Read::Minutes(source, resolution)))
    }

    fn minutely(&self, reads: impl IntoIterator<Item = Read>) -> Vec<Requirement<'a>> {
        reads.into_iter().map(|read| self.helpful(read, Freshness::Minutely)).collect()
    }

    pub(super) fn minutes_behind_all_groups(&self) -> Vec<Requirement<'a>> {
        let sources = metrics_of_groups(&self.groups(), self.known.snapshot);
        self.minutely(sources.into_iter().map(|source| Read::Minutes(source, Resolution::Brief)))
    }

    /// The metrics shown beside the sides' own: those of their load balancers and services.
    pub(super) fn surrounding_minutes(&self) -> Vec<Requirement<'a>> {
        let of_sides = self.release.sides().filter_map(|side| match &side.meter {
            Some(MetricSource::TargetGroup { balancer, .. }) => Some(balancer.clone()),
            _ => None,
        });
        let balancers = self.release.rules.iter().map(|rule| rule.route.load_balancer.clone()).chain(of_sides);
        let services = self.release.sides().map(|side| MetricSource::Service(side.service.clone()));
        let sources = balancers.map(MetricSource::Balancer).chain(services);
        self.minutely(sources.map(|source| Read::Minutes(source, Resolution::Full)))
    }

    /// The alarms that influence the verdict. Where another tool deploys, that tool watches its own alarms.
    pub(super) fn alarms(&self) -> Vec<Requirement<'a>> {
        if matches!(self.release.method, Method::CodeDeploy | Method::External) {
            return Vec::new();
        }
        let names = alarms::names(self.release, self.known.snapshot, self.known.settings);
        self.minutely(names.into_iter().map(Read::Alarm))
    }

    /// The running revisions and the rollback candidates. A candidate can be deregistered at any time: candidates are
    /// read `again` where a rollback may need one soon.
    pub(super) fn revisions(&self, again: bool) -> Vec<Requirement<'a>> {
        let running = self.release.sides().filter_map(|side| self.unread(&side.task_definition));
        running.chain(self.candidates_again(again || self.release.in_flight())).collect()
    }

    pub(super) fn candidates(&self) -> Vec<Requirement<'a>> {
        self.candidates_again(false)
    }

    fn candidates_again(&self, again: bool) -> Vec<Requirement<'a>> {
        let all = rollback_candidates(self.release);
        let read = |arn: &TaskDefinitionArn| self.helpful(Read::TaskDefinition(arn.clone()), Freshness::Settled);
        all.filter_map(|arn| self.unread(arn).or_else(|| again.then(|| read(arn)))).collect()
    }

    fn unread(&self, arn: &TaskDefinitionArn) -> Option<Requirement<'a>> {
        let unread = self.known.snapshot.task_definition(arn).is_none();
        unread.then(|| self.helpful(Read::TaskDefinition(arn.clone()), Freshness::Once))
    }

    /// The family, for other rollback candidates if the best revision was deregistered.
    pub(super) fn family(&self) -> Vec<Requirement<'a>> {
        let best = self.release.previous.iter().find(|good| !good.rolled_back_from);
        let gone = best.filter(|good| good.active == Some(false));
        let family = gone.map(|good| Read::Family(good.task_definition.family().to_owned()));
        family.into_iter().map(|family| self.helpful(family, Freshness::Settled)).collect()
    }

    /// The deployments of the service; of a pair, the deployments of stable.
    pub(super) fn history(&self) -> Vec<Requirement<'a>> {
        let release = self.release;
        let since_end = release.steady_since.map(|since| self.known.now.duration_since(since));
        // Only the history tells that a deployment was rolled back.
        let just_ended = release.method == Method::Rolling && since_end.is_some_and(|since| since < JUST_ENDED);
        let (need, freshness) = match release.in_flight() {
            // Only the deployment reports a pause.
            true if release.method.shifted_by_ecs() => (Need::Essential, Freshness::Live),
            true if release.method == Method::Rolling => (Need::Helpful, Freshness::Live),
            _ if just_ended => (Need::Helpful, Freshness::Live),
            _ => (Need::Helpful, Freshness::Settled),
        };
        let read = Read::Deployments(release.stable.service.clone());
        vec![Requirement { read, release: Some(release), need, freshness }]
    }

    pub(super) fn histories(&self) -> Vec<Requirement<'a>> {
        self.live(self.release.services().map(|side| Read::Deployments(side.service.clone())))
    }

    /// Every deployed revision whose task definition was not read yet, for its content and its status.
    pub(super) fn past_revisions(&self) -> Vec<Requirement<'a>> {
        let deployments =
            self.release.services().filter_map(|side| self.known.snapshot.deployments.get(&side.service)?.get());
        let deployed = deployments.flatten().filter_map(|deployment| deployment.task_definition());
        let previous = self.release.previous.iter().map(|good| &good.task_definition);
        let running = self.release.sides().map(|side| &side.task_definition);
        previous.chain(deployed).chain(running).filter_map(|arn| self.unread(arn)).collect()
    }

    /// The tasks of failing services: their stop reasons explain the failure, as long as ECS keeps them.
    pub(super) fn failing_tasks(&self) -> Vec<Requirement<'a>> {
        self.live(rollout::failing(self.release, self.known.snapshot).cloned().map(Read::Tasks))
    }

    /// The tasks of services with several running revisions: they tell which revision the healthy targets belong to.
    pub(super) fn tasks_beside_others(&self) -> Vec<Requirement<'a>> {
        let several = |side: &&Side| side.revisions.iter().filter(|revision| revision.running > 0).count() > 1;
        self.live(self.release.services().filter(several).map(|side| Read::Tasks(side.service.clone())))
    }

    /// The tasks that a rollback replaces: some may be protected from being stopped.
    pub(super) fn tasks_to_replace(&self) -> Vec<Requirement<'a>> {
        let stable = &self.release.stable;
        let replaces = (self.redeploys() || stable.rolling) && stable.running > 0;
        self.live(replaces.then(|| Read::Tasks(stable.service.clone())))
    }

    /// The auto scaling of a pair's services, whose desired counts a rollback writes.
    pub(super) fn scaling(&self) -> Vec<Requirement<'a>> {
        let pair = self.release.method == Method::Weighted && self.release.canary.is_some();
        let services = self.release.services().filter(|side| pair && !side.daemon);
        let read = |side: &Side| self.helpful(Read::Scaling(side.service.clone()), Freshness::Settled);
        services.map(read).collect()
    }

    pub(super) fn tasks(&self) -> Vec<Requirement<'a>> {
        self.live(self.release.services().map(|side| Read::Tasks(side.service.clone())))
    }

    /// Returns true if the rollback redeploys an older revision, and so needs to know the good ones.
    pub(super) fn redeploys(&self) -> bool {
        let release = self.release;
        release.method != Method::Weighted || release.stable_taken() || !release.in_flight()
    }

    /// The reads that show the progress and the end of the release.
    pub(super) fn ending(&self, ending: Ending) -> Vec<Requirement<'a>> {
        use Need::{Essential, Helpful};
        let (services, routes, history) = match ending {
            Ending::Deployment => (Helpful, Helpful, Some(Essential)),
            Ending::Rollout => (Essential, Helpful, None),
            Ending::Pair => (Essential, Essential, None),
            Ending::Undecided => (Essential, Helpful, Some(Essential)),
        };
        let groups = self.groups();
        let rules = self.known.snapshot.routes.get().into_iter().flat_map(|routes| routes.values());
        let rules = rules.filter(|rule| rule.forwards.iter().any(|to| groups.contains(&to.target_group)));
        let of_services = self.release.services().map(|side| (Read::Service(side.service.clone()), services));
        let of_rules = rules.map(|rule| (Read::Route(rule.id.clone()), routes));
        let of_history = history.map(|need| (Read::Deployments(self.release.stable.service.clone()), need));
        let all = of_services.chain(of_rules).chain(of_history);
        let release = Some(self.release);
        all.map(|(read, need)| Requirement { read, release, need, freshness: Freshness::Live }).collect()
    }
}
