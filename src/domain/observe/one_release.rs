//! The services of one release, read without the others.

use std::collections::BTreeSet;

use super::snapshot::Snapshot;
use crate::domain::settings::Settings;

/// The words by which two services of a pair are told apart, as `domain::release::pair` knows them.
const ROLES: [&str; 7] = ["stable", "canary", "primary", "baseline", "main", "candidate", "next"];

/// Names that one query takes.
const MOST: usize = 10;

/// The names that the services of a release may have, for what an operator calls it: a service, a pair's stem, or
/// `cluster/name`.
pub(crate) fn names(called: &str, settings: &Settings) -> Vec<String> {
    let called = called.rsplit_once('/').map_or(called, |(_, name)| name);
    let stem = ROLES.iter().find_map(|role| called.strip_suffix(role)?.strip_suffix('-')).unwrap_or(called);
    let configured = settings.services.iter().filter(|(name, own)| {
        let is = |service: &Option<String>| service.as_deref() == Some(called);
        *name == called || is(&own.stable) || is(&own.canary)
    });
    let configured = configured.flat_map(|(_, own)| own.stable.iter().chain(&own.canary)).cloned();
    let of_roles = ROLES.iter().map(|role| format!("{stem}-{role}"));
    let mut names = vec![called.to_owned()];
    for name in configured.chain([stem.to_owned()]).chain(of_roles) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names.truncate(MOST);
    names
}

/// True if the services that were read are all that share a rule with one of them: what was not read then changes
/// nothing about their releases.
pub(crate) fn is_whole(snapshot: &Snapshot) -> bool {
    let (Some(services), Some(routes)) = (snapshot.services.get(), snapshot.routes.get()) else { return false };
    if snapshot.routes.failing().is_some() {
        return false;
    }
    let groups: BTreeSet<_> = services.values().flat_map(|service| &service.target_groups).collect();
    let shared = routes.to_any(groups.iter().copied()).flat_map(|route| &route.forwards);
    shared.into_iter().all(|to| groups.contains(&to.target_group))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::assess;
    use crate::domain::observe::snapshot::{Answer, Query};
    use crate::domain::settings::ServiceSettings;
    use crate::testkit::worlds;
    use crate::testkit::worlds::scene;

    #[test]
    fn the_names_are_those_of_a_service_and_of_a_pair() {
        let mut settings = Settings::default();
        let all = names("checkout", &settings);
        assert_eq!(all.first().map(String::as_str), Some("checkout"));
        for name in ["checkout-stable", "checkout-canary", "checkout-next"] {
            assert!(all.iter().any(|one| one == name), "{all:?}");
        }
        assert_eq!(names("prod/checkout", &settings), all);
        let of_canary = names("checkout-canary", &settings);
        assert!(of_canary.contains(&"checkout-stable".to_owned()) && of_canary.contains(&"checkout".to_owned()));
        let own = ServiceSettings {
            stable: Some("web-a".to_owned()),
            canary: Some("web-b".to_owned()),
            ..ServiceSettings::default()
        };
        settings.services.insert("web".to_owned(), own);
        for called in ["web", "web-a", "web-b"] {
            let names = names(called, &settings);
            assert!(["web-a", "web-b"].iter().all(|one| names.iter().any(|name| name == one)), "{names:?}");
            assert!(names.len() <= MOST);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        /// A release that is read alone is the same as among all others.
        #[test]
        fn what_is_whole_is_the_same_alone(scene in scene(), kept in prop::collection::vec(any::<bool>(), 0..8)) {
            let (all, settings) = (scene.snapshot(), scene.settings());
            let of = |snapshot: &Snapshot| assess::releases(snapshot, &settings, &std::collections::BTreeMap::new(), worlds::now());
            let Some(services) = all.services.get() else { return Ok(()) };
            let some = services.values().zip(kept.iter().chain(std::iter::repeat(&true)));
            let some: Vec<_> = some.filter(|(_, kept)| **kept).map(|(service, _)| service.clone()).collect();
            let mut alone = all.clone();
            let at = all.services.at().unwrap_or_else(worlds::now);
            alone.services = super::super::reading::Reading::default();
            alone.apply(at, &Query::Named(Vec::new()), Ok(Answer::Services(some)));
            if is_whole(&alone) {
                let among: Vec<_> = of(&all);
                for release in of(&alone) {
                    let same = among.iter().find(|other| other.stable.service == release.stable.service);
                    prop_assert_eq!(same.map(|it| (&it.canary, &it.rules, &it.method)), Some((&release.canary, &release.rules, &release.method)));
                }
            }
        }
    }
}
