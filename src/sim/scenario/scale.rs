//! Scenarios at the size of a large account.

use super::duration::Duration;
use super::file::Scenario;
use super::load_balancer::{Action, Listener, Rule, TargetGroup};
use super::service::{Deployment, PastDeployment, PastOutcome, Service, ServiceStatus, TaskSettings};
use super::task_definition::{Container, Family, NetworkMode, Revision, Traits};

/// Rules that AWS lets one load balancer have.
const RULES_A_BALANCER: usize = 100;
/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

impl Scenario {
    /// Adds idle services until there are `services` in all, and `balancers` load balancers beside the scenario's own.
    ///
    /// Every added load balancer has a listener that redirects, and a listener that forwards to a target group of no
    /// service. The added services are divided among the added load balancers, up to 100 a load balancer, each behind a
    /// rule of its own. The rest of the services has no load balancer.
    #[must_use]
    pub fn enlarged(mut self, services: usize, balancers: usize) -> Self {
        for number in 1..=balancers {
            self.add_balancer(&balancer_name(number));
        }
        let missing = services.saturating_sub(self.service.len());
        for number in 0..missing {
            let behind = (number < balancers * RULES_A_BALANCER)
                .then(|| (balancer_name(number % balancers + 1), number / balancers + 1));
            self.add_service(&format!("svc-{:04}", number + 1), behind);
        }
        self
    }

    fn add_balancer(&mut self, name: &str) {
        let web = format!("{name}-web");
        self.target_group.insert(web.clone(), TargetGroup::default());
        let redirect = Action { redirect_host: Some(format!("{name}.example.com")), ..Action::default() };
        let forward = Action { forward: [(web, 1)].into_iter().collect(), ..Action::default() };
        for (listener, port, default) in [("http", 80, redirect), ("https", 443, forward)] {
            let listener_name = format!("{name}-{listener}");
            let listener = Listener { load_balancer: Some(name.to_owned()), port, default, rps: 0.0 };
            self.listener.insert(listener_name, listener);
        }
    }

    /// `behind`: a load balancer, and the priority of the service's rule there.
    fn add_service(&mut self, name: &str, behind: Option<(String, usize)>) {
        let target_group = behind.is_some().then(|| name.to_owned());
        if let Some((balancer, priority)) = behind {
            self.target_group.insert(name.to_owned(), TargetGroup::default());
            let rule = Rule {
                listener: format!("{balancer}-https"),
                priority: u32::try_from(priority).unwrap_or(u32::MAX),
                path: vec![format!("/{name}/*")],
                host: Vec::new(),
                action: Action { forward: [(name.to_owned(), 1)].into_iter().collect(), ..Action::default() },
                rps: 0.0,
            };
            self.rule.insert(name.to_owned(), rule);
        }
        self.family.insert(name.to_owned(), family());
        self.service.insert(name.to_owned(), idle_service(name, target_group));
    }
}

fn balancer_name(number: usize) -> String {
    format!("alb-{number:03}")
}

fn family() -> Family {
    let revision = |number: u32, days: i64| Revision {
        number,
        tag: format!("1.{number}.0"),
        age: Duration::from_secs(days * DAY),
        cpu: None,
        memory: None,
        inactive: false,
        retagged: None,
        version_consistency: true,
        container: Container::default(),
        traits: Traits::default(),
    };
    Family {
        cpu: 256,
        memory: 512,
        network_mode: NetworkMode::default(),
        log_driver: "awslogs".to_owned(),
        container: Container::default(),
        traits: Traits::default(),
        revision: vec![revision(1, 30), revision(2, 8)],
    }
}

/// A service with one task, which was deployed a week ago.
fn idle_service(name: &str, target_group: Option<String>) -> Service {
    let past = PastDeployment {
        task_definition: format!("{name}:1"),
        ago: Duration::from_secs(29 * DAY),
        took: Duration::from_secs(240),
        outcome: PastOutcome::Successful,
        reason: None,
        triggered: Vec::new(),
        setting: TaskSettings::default(),
    };
    Service {
        task_definition: format!("{name}:2"),
        desired: 1,
        deployed: Duration::from_secs(7 * DAY),
        took: Duration::from_secs(240),
        cluster: None,
        target_group,
        more_target_groups: Vec::new(),
        alternate_target_group: None,
        production_rule: None,
        test_rule: None,
        on_alternate: false,
        deployment: Deployment::default(),
        past: vec![past],
        tags: indexmap::IndexMap::default(),
        grace_seconds: 60,
        setting: TaskSettings::default(),
        status: ServiceStatus::Active,
        daemon: false,
        room: None,
        managed: None,
        protected: None,
        scaling: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::*;

    #[test]
    fn an_enlarged_scenario_has_the_counts_that_were_asked_for_and_is_consistent() {
        let shop = Scenario::named("shop").unwrap();
        for (services, balancers) in [(0, 0), (0, 3), (50, 0), (50, 3), (500, 3)] {
            let large = shop.clone().enlarged(services, balancers);
            assert_eq!(check(&large), Ok(()), "{services} {balancers}");
            assert_eq!(large.service.len(), services.max(shop.service.len()));
            assert_eq!(large.listener.len(), shop.listener.len() + 2 * balancers);
            let added = services.saturating_sub(shop.service.len());
            assert_eq!(large.rule.len(), shop.rule.len() + added.min(balancers * RULES_A_BALANCER));
            let mut at: Vec<_> = large.rule.values().map(|rule| (&rule.listener, rule.priority)).collect();
            at.sort();
            at.dedup();
            assert_eq!(at.len(), large.rule.len(), "no two rules of a listener have one priority");
        }
    }
}
