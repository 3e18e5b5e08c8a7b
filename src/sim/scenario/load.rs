//! Finding, parsing, merging and checking scenario files.

use super::{Action, Dur, Event, Outcome, Scenario};

/// The scenarios that come with the program: name and text. `shop` is the quiet base of the others.
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
    ("superseded", include_str!("../../../assets/scenarios/superseded.toml")),
    ("log-storm", include_str!("../../../assets/scenarios/log-storm.toml")),
    ("hostile", include_str!("../../../assets/scenarios/hostile.toml")),
    ("shop", include_str!("../../../assets/scenarios/shop.toml")),
];

/// Why a scenario was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Not TOML, or a key, type or value that a scenario does not have; with line and column.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// `extends` names no scenario.
    #[error("extends = \"{0}\": there is no such scenario")]
    NoBase(String),
    /// A name that refers to nothing, or a value out of range.
    #[error("{0}")]
    Inconsistent(String),
}

impl Scenario {
    /// The scenario of that name among those that come with the program.
    pub fn named(name: &str) -> Option<Self> {
        let (_, text) = FILES.iter().find(|(n, _)| *n == name)?;
        Self::parse(text).ok()
    }

    /// The names of the scenarios that come with the program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(name, _)| *name)
    }

    /// Reads a scenario, with what it extends.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let scenario = Self::parse_depth(text, 0)?;
        scenario.check().map_err(ScenarioError::Inconsistent)?;
        Ok(scenario)
    }

    fn parse_depth(text: &str, depth: u8) -> Result<Self, ScenarioError> {
        let mut own: Self = toml::from_str(text)?;
        let Some(base) = own.extends.clone() else {
            return Ok(own);
        };
        // A scenario that extends itself is no scenario; four levels are more than anybody needs.
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
        merged.container_insights |= own.container_insights;
        merged.hostile |= own.hostile;
        (merged.name, merged.summary, merged.warmup) = (own.name, own.summary, own.warmup);
        Ok(merged)
    }

    fn check(&self) -> Result<(), String> {
        let known_revision = |name: &str| {
            name.split_once(':').is_some_and(|(family, number)| {
                self.family.get(family).is_some_and(|f| f.revision.iter().any(|r| r.number.to_string() == number))
            })
        };
        let revision = |at: &str, name: &str| {
            if known_revision(name) {
                Ok(())
            } else {
                Err(format!("{at}: no revision {name}; define it under [[family.…revision]]"))
            }
        };
        let target_group = |at: &str, name: &str| {
            if self.target_group.contains_key(name) { Ok(()) } else { Err(format!("{at}: no [target_group.{name}]")) }
        };
        let action = |at: &str, action: &Action| {
            let kinds = [!action.forward.is_empty(), action.fixed_response.is_some(), action.redirect_host.is_some()];
            if kinds.iter().filter(|k| **k).count() != 1 {
                return Err(format!("{at}: give exactly one of forward, fixed_response, redirect_host"));
            }
            for (name, weight) in &action.forward {
                target_group(at, name)?;
                if *weight > 999 {
                    return Err(format!("{at}: weight {weight} of {name} is not within 0–999"));
                }
            }
            Ok(())
        };
        if self.clusters.is_empty() {
            return Err("clusters: at least one is needed".into());
        }
        for (name, listener) in &self.listener {
            action(&format!("listener.{name}"), &listener.default)?;
        }
        for (name, rule) in &self.rule {
            let at = format!("rule.{name}");
            action(&at, &rule.action)?;
            if !self.listener.contains_key(&rule.listener) {
                return Err(format!("{at}: no [listener.{}]", rule.listener));
            }
        }
        for (name, service) in &self.service {
            let at = format!("service.{name}");
            revision(&at, &service.task_definition)?;
            for past in &service.past {
                revision(&at, &past.task_definition)?;
                if past.outcome == Outcome::Successful && past.ago.ms < service.deployed.ms {
                    return Err(format!("{at}: a past deployment that went well is newer than what is deployed"));
                }
            }
            for group in service.target_group.iter().chain(&service.alternate_target_group) {
                target_group(&at, group)?;
            }
            if let Some(cluster) = service.cluster.as_ref().filter(|c| !self.clusters.contains(c)) {
                return Err(format!("{at}: cluster {cluster} is not in clusters"));
            }
            if let Some(rule) = service.production_rule.as_ref().filter(|r| !self.rule.contains_key(*r)) {
                return Err(format!("{at}: no [rule.{rule}]"));
            }
            if service.deployment.strategy != super::Strategy::Rolling
                && (service.production_rule.is_none() || service.alternate_target_group.is_none())
            {
                return Err(format!("{at}: this strategy needs production_rule and alternate_target_group"));
            }
            let known = |name: &String| self.alarm.contains_key(name) || self.composite_alarm.contains_key(name);
            if let Some(alarm) = service.past.iter().flat_map(|p| &p.triggered).find(|a| !known(a)) {
                return Err(format!("{at}: no [alarm.{alarm}]"));
            }
            let rule = service.production_rule.as_ref().and_then(|r| self.rule.get(r));
            let both = [&service.target_group, &service.alternate_target_group];
            if let Some(rule) = rule
                && !both.iter().all(|g| g.as_ref().is_some_and(|g| rule.action.forward.contains_key(g)))
            {
                return Err(format!("{at}: its production_rule must forward to both of its target groups"));
            }
            let test = service.test_rule.as_ref().map(|name| (name, self.rule.get(name)));
            match test {
                Some((name, None)) => return Err(format!("{at}: no [rule.{name}]")),
                Some((_, Some(rule)))
                    if !both.iter().all(|g| g.as_ref().is_some_and(|g| rule.action.forward.contains_key(g))) =>
                {
                    return Err(format!("{at}: its test_rule must forward to both of its target groups"));
                }
                _ => {}
            }
            if service.on_alternate && service.alternate_target_group.is_none() {
                return Err(format!("{at}: on_alternate needs an alternate_target_group"));
            }
            if let Some(alarm) = service.deployment.alarms.iter().find(|a| !known(a)) {
                return Err(format!("{at}: no [alarm.{alarm}]"));
            }
        }
        for (name, alarm) in &self.alarm {
            let at = format!("alarm.{name}");
            match (&alarm.target_group, &alarm.service) {
                (Some(group), None) => target_group(&at, group)?,
                (None, Some(service)) if self.service.contains_key(service) => {}
                _ => {
                    return Err(format!("{at}: give a target_group or a service that exists"));
                }
            }
        }
        for (name, alarm) in &self.composite_alarm {
            let at = format!("composite_alarm.{name}");
            if self.alarm.contains_key(name) || alarm.any.is_empty() {
                return Err(format!("{at}: it needs a name of its own, and alarms to be about"));
            }
            if let Some(unknown) = alarm.any.iter().find(|a| !self.alarm.contains_key(*a)) {
                return Err(format!("{at}: no [alarm.{unknown}]"));
            }
        }
        if let Some(custom) =
            self.custom.iter().find(|it| it.namespace.starts_with("AWS/") || it.service == it.revision)
        {
            return Err(format!("custom {}: it needs a namespace of its own and two dimensions", custom.namespace));
        }
        self.event.iter().try_for_each(|event| self.check_event(event, &revision))
    }

    fn check_event(&self, event: &Event, revision: &dyn Fn(&str, &str) -> Result<(), String>) -> Result<(), String> {
        let at = format!("event at {}s", event.at.ms / 1000);
        let Dur { ms: warmup } = self.warmup;
        if event.at.ms < -warmup {
            return Err(format!("{at}: before the warm-up of {}s", warmup / 1000));
        }
        let service = |name: &str| {
            if self.service.contains_key(name) { Ok(()) } else { Err(format!("{at}: no [service.{name}]")) }
        };
        let rule = |name: &str| self.rule.get(name).ok_or(format!("{at}: no [rule.{name}]"));
        let mut kinds = 0;
        if let Some(update) = &event.update_service {
            kinds += 1;
            service(&update.service)?;
            if let Some(name) = &update.task_definition {
                revision(&at, name)?;
            }
        }
        if let Some(set) = &event.set_weights {
            kinds += 1;
            let rule = rule(&set.rule)?;
            if let Some(group) = set.weights.keys().find(|g| !rule.action.forward.contains_key(*g)) {
                return Err(format!("{at}: rule {} does not forward to {group}", set.rule));
            }
        }
        if let Some(traffic) = &event.traffic {
            kinds += 1;
            rule(&traffic.rule)?;
        }
        if let Some(answer) = &event.continue_deployment {
            kinds += 1;
            service(&answer.service)?;
        }
        if let Some(stop) = &event.stop_deployment {
            kinds += 1;
            service(&stop.service)?;
        }
        if let Some(interrupt) = &event.interrupt {
            kinds += 1;
            service(&interrupt.service)?;
        }
        if let Some(retag) = &event.retag {
            kinds += 1;
            revision(&at, &retag.task_definition)?;
        }
        if kinds == 1 { Ok(()) } else { Err(format!("{at}: give exactly one thing that happens")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_loads_and_is_named_after_itself() {
        for (name, text) in FILES {
            let scenario = Scenario::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(scenario.name, *name);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let base = "name = 'x'\nsummary = 'x'\nextends = 'shop'\n";
        for (extra, expected) in [
            ("colour = 1", "unknown field `colour`"),
            ("extends2 = 'y'", "unknown field"),
            ("[[event]]\nat = '1s'", "exactly one thing"),
            ("[[event]]\nat = '-9h'\ntraffic = { rule = 'checkout', rps = 1 }", "before the warm-up"),
            (
                "[[event]]\nat = '1s'\nset_weights = { rule = 'checkout', weights = { search = 1 } }",
                "does not forward to search",
            ),
            ("[service.a]\ntask_definition = 'a:1'\ndesired = 1\ndeployed = '1d'", "no revision a:1"),
            (
                "[service.cart]\ntask_definition = 'cart:13'\ndesired = 1\ndeployed = '1d'\npast = [{ task_definition = 'cart:12', ago = '1h' }]",
                "newer than what is deployed",
            ),
            (
                "[service.cart]\ntask_definition = 'cart:13'\ndesired = 1\ndeployed = '1d'\ntest_rule = 'x'",
                "no [rule.x]",
            ),
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
