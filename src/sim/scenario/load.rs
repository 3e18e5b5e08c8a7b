//! Finds, parses and merges scenario files.

use super::check::check;
use super::file::Scenario;

/// The embedded scenarios by name. `shop` is the base of the others.
const FILES: &[(&str, &str)] = &[
    ("good-release", include_str!("../../../assets/scenarios/good-release.toml")),
    ("bad-canary", include_str!("../../../assets/scenarios/bad-canary.toml")),
    ("latency-regression", include_str!("../../../assets/scenarios/latency-regression.toml")),
    ("no-traffic", include_str!("../../../assets/scenarios/no-traffic.toml")),
    ("cannot-pull", include_str!("../../../assets/scenarios/cannot-pull.toml")),
    ("failing-health-check", include_str!("../../../assets/scenarios/failing-health-check.toml")),
    ("slow-start", include_str!("../../../assets/scenarios/slow-start.toml")),
    ("breaker", include_str!("../../../assets/scenarios/breaker.toml")),
    ("crash-loop", include_str!("../../../assets/scenarios/crash-loop.toml")),
    ("rule-edited", include_str!("../../../assets/scenarios/rule-edited.toml")),
    ("paused-native", include_str!("../../../assets/scenarios/paused-native.toml")),
    ("linear", include_str!("../../../assets/scenarios/linear.toml")),
    ("alarm-rollback", include_str!("../../../assets/scenarios/alarm-rollback.toml")),
    ("finished-native", include_str!("../../../assets/scenarios/finished-native.toml")),
    ("held", include_str!("../../../assets/scenarios/held.toml")),
    ("preflight", include_str!("../../../assets/scenarios/preflight.toml")),
    ("unsteady", include_str!("../../../assets/scenarios/unsteady.toml")),
    ("divided-rule", include_str!("../../../assets/scenarios/divided-rule.toml")),
    ("deferred-cleanup", include_str!("../../../assets/scenarios/deferred-cleanup.toml")),
    ("daemon", include_str!("../../../assets/scenarios/daemon.toml")),
    ("never-ran", include_str!("../../../assets/scenarios/never-ran.toml")),
    ("superseded", include_str!("../../../assets/scenarios/superseded.toml")),
    ("internal-rule", include_str!("../../../assets/scenarios/internal-rule.toml")),
    ("test-listener", include_str!("../../../assets/scenarios/test-listener.toml")),
    ("third-group", include_str!("../../../assets/scenarios/third-group.toml")),
    ("small-stable", include_str!("../../../assets/scenarios/small-stable.toml")),
    ("auto-scaling", include_str!("../../../assets/scenarios/auto-scaling.toml")),
    ("sticky", include_str!("../../../assets/scenarios/sticky.toml")),
    ("host-rule", include_str!("../../../assets/scenarios/host-rule.toml")),
    ("express", include_str!("../../../assets/scenarios/express.toml")),
    ("gateway", include_str!("../../../assets/scenarios/gateway.toml")),
    ("lattice", include_str!("../../../assets/scenarios/lattice.toml")),
    ("network-balancer", include_str!("../../../assets/scenarios/network-balancer.toml")),
    ("default-rule", include_str!("../../../assets/scenarios/default-rule.toml")),
    ("instances", include_str!("../../../assets/scenarios/instances.toml")),
    ("log-storm", include_str!("../../../assets/scenarios/log-storm.toml")),
    ("hostile", include_str!("../../../assets/scenarios/hostile.toml")),
    ("throttled", include_str!("../../../assets/scenarios/throttled.toml")),
    ("expiring-credentials", include_str!("../../../assets/scenarios/expiring-credentials.toml")),
    ("outage", include_str!("../../../assets/scenarios/outage.toml")),
    ("shop", include_str!("../../../assets/scenarios/shop.toml")),
];

/// An error in a scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The text is not TOML, or has an unknown key or a wrong type; with line and column.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// `extends` names no scenario.
    #[error("extends = \"{0}\": there is no such scenario")]
    NoBase(String),
    /// A name refers to nothing, or a value is out of range.
    #[error("{0}")]
    Inconsistent(String),
}

impl Scenario {
    /// The embedded scenario of this name.
    pub fn named(name: &str) -> Option<Self> {
        let (_, text) = FILES.iter().find(|(n, _)| *n == name)?;
        Self::parse(text).ok()
    }

    /// The names of the embedded scenarios.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(name, _)| *name)
    }

    /// Parses a scenario and merges it into the one that it extends.
    ///
    /// # Errors
    /// If the text is not a scenario, or the scenario is inconsistent.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let scenario = Self::parse_depth(text, 0)?;
        check(&scenario).map_err(ScenarioError::Inconsistent)?;
        Ok(scenario)
    }

    fn parse_depth(text: &str, depth: u8) -> Result<Self, ScenarioError> {
        let mut own: Self = toml::from_str(text)?;
        let Some(base) = own.extends.clone() else {
            return Ok(own);
        };
        // The limit ends the recursion of a scenario that extends itself.
        let found = FILES.iter().find(|(n, _)| *n == base).filter(|_| depth < 4);
        let (_, base) = found.ok_or(ScenarioError::NoBase(base))?;
        let mut merged = Self::parse_depth(base, depth + 1)?;
        merged.listener.extend(own.listener);
        merged.rule.extend(own.rule);
        merged.target_group.extend(own.target_group);
        merged.family.extend(own.family);
        merged.service.extend(own.service);
        merged.alarm.extend(own.alarm);
        merged.composite_alarm.extend(own.composite_alarm);
        merged.event.append(&mut own.event);
        merged.custom.append(&mut own.custom);
        merged.fault.append(&mut own.fault);
        merged.propagation_seconds = own.propagation_seconds.or(merged.propagation_seconds);
        merged.container_insights |= own.container_insights;
        merged.hostile |= own.hostile;
        (merged.name, merged.summary, merged.warmup) = (own.name, own.summary, own.warmup);
        Ok(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_scenario_parses_and_has_the_name_of_its_file() {
        for (name, text) in FILES {
            let scenario = Scenario::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(scenario.name, *name);
        }
    }

    #[test]
    fn errors_name_the_mistake() {
        let base = "name = 'x'\nsummary = 'x'\nextends = 'shop'\n";
        for (extra, expected) in [
            ("colour = 1", "unknown field `colour`"),
            ("extends2 = 'y'", "unknown field"),
            ("[[event]]\nat = '1s'", "exactly one action"),
            ("[[event]]\nat = '-9h'\ntraffic = { rule = 'checkout', rps = 1 }", "before the warm-up"),
            (
                "[[event]]\nat = '1s'\nset_weights = { rule = 'checkout', weights = { search = 1 } }",
                "does not forward to search",
            ),
            ("[service.a]\ntask_definition = 'a:1'\ndesired = 1\ndeployed = '1d'", "no revision a:1"),
            (
                "[service.cart]\ntask_definition = 'cart:13'\ndesired = 1\ndeployed = '1d'\npast = [{ task_definition = 'cart:12', ago = '1h' }]",
                "newer than the deployed one",
            ),
            (
                "[service.cart]\ntask_definition = 'cart:13'\ndesired = 1\ndeployed = '1d'\ntest_rule = 'x'",
                "no [rule.x]",
            ),
            (
                "[service.cart]\ntask_definition = 'cart:13'\ndesired = 4294967295\ndeployed = '1d'",
                "service.cart: desired = 4294967295 is not within 0–5000",
            ),
            ("[[event]]\nat = '1s'\nupdate_service = { service = 'cart', desired = 5001 }", "is not within 0–5000"),
            ("[[event]]\nat = '1s'\nretag = { task_definition = 'cart:99' }", "no revision cart:99"),
            ("[composite_alarm.c]\nany = ['x']", "no [alarm.x]"),
            ("[rule.r]\npriority = 1\naction = { forward = { search = 1000 } }", "not within 0–999"),
        ] {
            let error = Scenario::parse(&format!("{base}{extra}\n")).unwrap_err().to_string();
            assert!(error.contains(expected), "{extra}: {error}");
        }
        assert!(matches!(Scenario::parse("name='x'\nsummary='x'\nextends='nothing'"), Err(ScenarioError::NoBase(_))));
    }
}
