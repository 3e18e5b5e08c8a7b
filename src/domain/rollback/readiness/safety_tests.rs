//! Properties of every preflight, in any world.

use proptest::prelude::*;

use super::Level::{Blocks, Good};
use super::*;
use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::ecs::deployment::AlarmConfiguration;
use crate::domain::ecs::service::TaskDefinition;
use crate::domain::fault::FaultKind;
use crate::domain::observe::snapshot::{Answer, Query};
use crate::testkit::worlds;
use crate::testkit::worlds::{calm_pair, scene};

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// In any world the preflight has checks, gravest first, one line each, and no check is good without a read.
    #[test]
    fn nothing_is_good_that_was_not_read(scene in scene(), read in any::<bool>(), drop in 0u8..8) {
        let now = worlds::now();
        let mut snapshot = scene.snapshot();
        if read {
            for revision in 1..6 {
                let known = TaskDefinition { arn: worlds::td(revision), ..super::tests::definition(1, true) };
                let facts = Answer::TaskDefinitions(vec![known]);
                snapshot.apply(now, &Query::TaskDefinitions(Vec::new()), Ok(facts));
            }
        }
        let alarm = Alarm { name: "5xx".into(), state: AlarmState::Ok, reason: None, since: None };
        snapshot.apply(now, &Query::Alarms(Vec::new()), Ok(Answer::Alarms(vec![alarm])));
        for release in &mut scene.releases() {
            let names = vec!["5xx".to_owned()];
            release.configuration.alarms = Some(AlarmConfiguration { names, enable: true, rollback: true });
            let service = snapshot.service(&release.stable.service).unwrap().clone();
            let checks = preflight(release, &service, &snapshot, &[], now).checks;
            prop_assert!(checks.is_sorted_by_key(|check| Reverse(check.level)), "{checks:?}");
            prop_assert!(checks.iter().all(|check| !check.what.is_empty() && !check.what.contains('\n')));
            let mut bare = snapshot.clone();
            if drop & 1 > 0 { bare.task_definitions.clear(); }
            if drop & 2 > 0 { bare.deployments.clear(); }
            if drop & 4 > 0 { bare.alarms.clear(); }
            let less = preflight(release, &service, &bare, &[], now).checks;
            let good = |checks: &[Check], word: &str| {
                checks.iter().filter(|check| check.level == Good && check.what.contains(word)).count()
            };
            prop_assert!(drop & 1 == 0 || good(&less, "ACTIVE") == 0, "{less:?}");
            prop_assert!(drop & 4 == 0 || good(&less, "larm") == 0, "{less:?}");
            prop_assert!(drop != 7 || good(&less, "") == 0, "{less:?}");
        }
    }

    /// A rollback by weights alone, to a stable that is complete, depends on one thing only: the permission to write them.
    #[test]
    fn weights_alone_need_only_the_right_to_write_them(scene in calm_pair()) {
        let snapshot = scene.snapshot();
        for release in scene.releases().iter().filter(|release| weights_do(release) && !release.stable.rolling) {
            let service = snapshot.service(&release.stable.service).unwrap();
            let look = |denied: &[Fault]| preflight(release, service, &snapshot, denied, worlds::now());
            prop_assert_eq!(look(&[]), Readiness::default());
            let operation = release.rules[0].route.id.operation();
            let checks = look(&[Fault::new(FaultKind::Denied, operation, "rule", "no")]).checks;
            let expected = check(Blocks, format!("AWS denied {operation}, which the way back needs"));
            prop_assert_eq!(checks, [expected]);
        }
    }
}
