use std::collections::HashSet;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::domain::ecs::service::TaskDefinition;
use crate::domain::fault::FaultKind;
use crate::domain::observe::query::Answer;
use crate::testkit::worlds;
use crate::testkit::worlds::{Scene, scene};

const SCOPES: [Scope; 12] = [
    Scope::Fleet,
    Scope::Release,
    Scope::Focus,
    Scope::Open,
    Scope::Past,
    Scope::Forward,
    Scope::Rollback,
    Scope::RollbackPreview,
    Scope::Watch(Ending::Deployment),
    Scope::Watch(Ending::Rollout),
    Scope::Watch(Ending::Pair),
    Scope::Watch(Ending::Undecided),
];

fn definition(arn: TaskDefinitionArn) -> TaskDefinition {
    TaskDefinition {
        arn,
        active: true,
        registered_at: None,
        images: Vec::new(),
        cpu: None,
        memory: None,
        logs: Vec::new(),
    }
}

/// The reads that all releases of a world require.
fn reads(scene: &Scene, snapshot: &Snapshot, scopes: &[Scope]) -> BTreeSet<Read> {
    let (releases, settings) = (scene.releases(), scene.settings());
    let known = Known { snapshot, settings: &settings, now: worlds::now() };
    let releases: Vec<_> = releases.iter().collect();
    let all = scopes.iter().flat_map(|scope| required(*scope, &releases, &known));
    all.map(|it| it.read).collect()
}

/// The evidence for a verdict.
fn evidence(reads: &BTreeSet<Read>) -> BTreeSet<Read> {
    let evidence = reads.iter().filter_map(|read| match read {
        // The resolution of the metrics does not affect the verdict.
        Read::Minutes(source, _) => Some(Read::Minutes(source.clone(), Resolution::Brief)),
        Read::Alarm(_) => Some(read.clone()),
        _ => None,
    });
    evidence.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// The console, a command and a watch read the same metrics and the same alarms, and so reach the same verdict.
    #[test]
    fn every_verdict_rests_on_the_same_evidence(scene in scene()) {
        let snapshot = scene.snapshot();
        let console = reads(&scene, &snapshot, &[Scope::Fleet, Scope::Focus, Scope::Open]);
        let command = reads(&scene, &snapshot, &[Scope::Release]);
        prop_assert!(command.is_subset(&console), "{:?}", command.difference(&console));
        for scope in [Scope::Fleet, Scope::Forward] {
            prop_assert_eq!(evidence(&reads(&scene, &snapshot, &[scope])), evidence(&command), "{:?}", scope);
        }
        let watch = evidence(&reads(&scene, &snapshot, &[Scope::Watch(Ending::Undecided)]));
        prop_assert!(evidence(&command).is_subset(&watch), "{:?}", watch);
    }

    /// A rollback waits only for the services and the rules.
    #[test]
    fn a_rollback_waits_for_nothing_that_it_can_do_without(scene in scene()) {
        let (snapshot, releases, settings) = (scene.snapshot(), scene.releases(), scene.settings());
        let known = Known { snapshot: &snapshot, settings: &settings, now: worlds::now() };
        let releases: Vec<_> = releases.iter().collect();
        for it in required(Scope::Rollback, &releases, &known) {
            prop_assert_eq!(it.need, Need::Helpful, "{:?}", it.read);
            let (read, left) = (&it.read, "a rollback does without");
            prop_assert!(!matches!(read, Read::Minutes(..) | Read::Alarm(_)), "{:?}: {}", read, left);
            prop_assert!(!matches!(read, Read::Tasks(_) | Read::Scaling(_)), "{:?}: {}", read, left);
        }
    }

    /// A read that never changes is required only once; all other reads stay required.
    #[test]
    fn what_never_changes_is_read_once(scene in scene(), scope in select(SCOPES.as_slice())) {
        let (mut snapshot, releases, settings) = (scene.snapshot(), scene.releases(), scene.settings());
        let releases: Vec<_> = releases.iter().collect();
        let of = |snapshot: &Snapshot| {
            let known = Known { snapshot, settings: &settings, now: worlds::now() };
            let all = required(scope, &releases, &known).into_iter();
            all.partition::<Vec<_>, _>(|it| it.freshness == Freshness::Once)
        };
        let (once, _) = of(&snapshot);
        for read in once.iter().map(|it| &it.read) {
            let Read::TaskDefinition(arn) = read else { panic!("{read:?}") };
            let answer = Answer::TaskDefinitions(vec![definition(arn.clone())]);
            snapshot.apply(worlds::now(), &Query::TaskDefinitions(vec![arn.clone()]), Ok(answer));
        }
        let (again, rest) = of(&snapshot);
        prop_assert!(again.is_empty(), "{again:?}");
        prop_assert!(scope == Scope::Past || scope.is_rollback() || !rest.is_empty());
    }

    /// Each thing is in one query only, however many reads require it.
    #[test]
    fn each_thing_is_in_one_query(scene in scene(), scopes in proptest::sample::subsequence(SCOPES.to_vec(), 0..12)) {
        let all = reads(&scene, &scene.snapshot(), &scopes);
        let queries = queries(all.iter().cloned().chain(all.clone()), worlds::now(), 10);
        let unique: HashSet<_> = queries.iter().collect();
        prop_assert_eq!(unique.len(), queries.len());
        let parts = |query: &Query| match query {
            Query::Health(groups) => groups.len(),
            Query::TaskDefinitions(arns) => arns.len(),
            Query::Alarms(names) => names.len(),
            Query::Metrics(metrics) => metrics.meters.len(),
            Query::Scaling(services) => services.len(),
            _ => 1,
        };
        let sources: BTreeSet<_> =
            all.iter().filter_map(|read| if let Read::Minutes(source, _) = read { Some(source) } else { None }).collect();
        let others = all.iter().filter(|read| !matches!(read, Read::Minutes(..))).count();
        prop_assert_eq!(queries.iter().map(parts).sum::<usize>(), others + sources.len());
    }
}

#[test]
fn metrics_are_asked_for_in_the_finer_resolution_and_by_source() {
    let source = MetricSource::Service(ServiceKey::new("prod", "shop"));
    let reads = [Resolution::Full, Resolution::Brief].map(|resolution| Read::Minutes(source.clone(), resolution));
    let queries = queries(reads, worlds::now(), 10);
    let [Query::Metrics(metrics)] = queries.as_slice() else { panic!("{queries:?}") };
    assert_eq!(metrics.meters, [(source, Resolution::Full)]);
}

#[test]
fn only_a_forward_act_is_blocked_by_what_it_cannot_know() {
    let fault = || Fault::new(FaultKind::Denied, "Describe", "something", "not authorized");
    let failing = |query: Query| {
        let mut snapshot = Snapshot::default();
        snapshot.apply(worlds::now(), &query, Err(fault()));
        snapshot
    };
    for scope in SCOPES {
        assert!(blocking(scope, &[], &failing(Query::Services)).is_some(), "{scope:?}");
        assert_eq!(blocking(scope, &[], &failing(Query::Identity)).is_some(), scope == Scope::Forward, "{scope:?}");
        assert!(blocking(scope, &[], &failing(Query::Routes)).is_none(), "{scope:?}");
    }
}
