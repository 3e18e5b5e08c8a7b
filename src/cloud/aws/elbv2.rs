//! The load balancers: listeners, and rules with their weights.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{Listener, Rule as RawRule};
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::time::timeout;

use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::{Route, RouteId, listener_of, load_balancer_dimension};
use crate::domain::fault::{Fault, FaultKind};

use super::Aws;
use super::discovery::{Balancers, MANY_GROUPS};
use super::operation::Operation;
use super::pages::pages;
use super::rule::{Rule, Spot};

/// Listeners up to which every rule of every listener is read each time.
const FEW_LISTENERS: usize = 12;
/// Time after which rules that nobody has seen yet are looked for again behind more listeners than that.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(120);
/// DescribeRules takes many rules in one call; AWS names no limit.
const RULES_A_CALL: usize = 100;
/// DescribeListeners takes as many listeners in one call.
const LISTENERS_A_CALL: usize = 20;
/// Time for which a read of the routes waits for the services' to begin.
const SERVICES_BEGIN_WITHIN: Duration = Duration::from_millis(200);

impl Aws {
    /// Every rule and default action that forwards to target groups, of the load balancers before the services' target
    /// groups; of all load balancers while no services were read.
    pub(super) async fn routes(&self) -> Result<Vec<Route>, Fault> {
        let rules = match self.known_rules_again().await {
            Some(rules) => rules,
            None => self.discovered_rules().await,
        };
        self.memory.looked_at_routes();
        let rules = rules?;
        let routes = rules.iter().map(|rule| rule.route.clone()).collect();
        self.memory.keep_only(rules);
        Ok(routes)
    }

    /// The known rules as they are now, by their ARNs. `None` where that does not do: few listeners, target groups that
    /// are new, a rule that is gone, or a look at everything that is too long ago.
    async fn known_rules_again(&self) -> Option<Result<Vec<Rule>, Fault>> {
        let groups = self.memory.found.now().groups;
        if !self.memory.discovery.covers(&groups, self.budget.elapsed().saturating_sub(LOOK_AGAIN_AFTER)) {
            return None;
        }
        let known = self.memory.rules();
        let listeners: BTreeSet<Arn> = known.iter().filter_map(|rule| listener(&rule.route.id)).collect();
        if listeners.len() <= FEW_LISTENERS {
            return None;
        }
        let leads_here = |rule: &Rule| rule.route.forwards.iter().any(|to| groups.contains(&to.target_group));
        let (ours, others): (Vec<_>, Vec<_>) = known.into_iter().partition(leads_here);
        match self.rules_by_arn(&ours).await {
            Ok(Some(rules)) => Some(Ok(rules.into_iter().chain(others).collect())),
            Ok(None) => None,
            Err(fault) if matches!(fault.kind, FaultKind::NotFound | FaultKind::Refused | FaultKind::Garbled) => None,
            Err(fault) => Some(Err(fault)),
        }
    }

    /// These rules as they are now; `None` if one of them is gone, or does not forward any more.
    async fn rules_by_arn(&self, rules: &[Rule]) -> Result<Option<Vec<Rule>>, Fault> {
        let by_id: HashMap<&RouteId, &Rule> = rules.iter().map(|rule| (&rule.route.id, rule)).collect();
        let (mut arns, mut listeners) = (Vec::new(), Vec::new());
        for id in by_id.keys() {
            match id {
                RouteId::Rule(arn) => arns.push(arn.as_str().to_owned()),
                RouteId::Default(arn) => listeners.push(arn.as_str().to_owned()),
            }
        }
        let read_rules = stream::iter(arns.chunks(RULES_A_CALL).map(<[String]>::to_vec).collect::<Vec<_>>())
            .map(|batch| self.described_rules(batch))
            .buffered(self.limits.concurrency)
            .try_collect::<Vec<_>>();
        let read_listeners =
            stream::iter(listeners.chunks(LISTENERS_A_CALL).map(<[String]>::to_vec).collect::<Vec<_>>())
                .map(|batch| self.described_listeners(batch))
                .buffered(self.limits.concurrency)
                .try_collect::<Vec<_>>();
        let (raw, listeners) = futures::try_join!(read_rules, read_listeners)?;
        let read = raw.into_iter().flatten().filter_map(|raw| {
            let known = by_id.get(&RouteId::Rule(Arn::new(raw.rule_arn.as_deref()?)))?;
            Rule::from_rule(raw, &known.spot())
        });
        let defaults = listeners.into_iter().flatten().filter_map(|listener| {
            let arn = Arn::new(listener.listener_arn.as_deref()?);
            let known = by_id.get(&RouteId::Default(arn.clone()))?;
            let spot = spot(&listener);
            let rule = Rule::from_default(arn, listener.default_actions.unwrap_or_default(), &spot)?;
            Some(rule.with_default_rule(known.route.default_rule.clone()))
        });
        let now: Vec<Rule> = read.chain(defaults).collect();
        Ok((now.len() == rules.len()).then_some(now))
    }

    async fn described_rules(&self, arns: Vec<String>) -> Result<Vec<RawRule>, Fault> {
        let subject = format!("{} rules", arns.len());
        let call = self.clients.elbv2.describe_rules().set_rule_arns(Some(arns));
        let answer = self.ask(Operation::DescribeRules, &subject, call.send()).await?;
        Ok(answer.rules.unwrap_or_default())
    }

    async fn described_listeners(&self, arns: Vec<String>) -> Result<Vec<Listener>, Fault> {
        let subject = format!("{} listeners", arns.len());
        let call = self.clients.elbv2.describe_listeners().set_listener_arns(Some(arns));
        let answer = self.ask(Operation::DescribeListeners, &subject, call.send()).await?;
        Ok(answer.listeners.unwrap_or_default())
    }

    /// Every rule, found from the services outward: their target groups, and the load balancers before these. While the
    /// services are being read for the first time, each load balancer is read as soon as a service leads to it.
    async fn discovered_rules(&self) -> Result<Vec<Rule>, Fault> {
        let begun = self.budget.elapsed();
        let found = &self.memory.found;
        if timeout(SERVICES_BEGIN_WITHIN, found.anything()).await.is_err() {
            return self.rules_behind(self.all_load_balancers().await?).await;
        }
        let (mut handled, mut seen, mut rules) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        let mut balancers = Balancers::default();
        loop {
            let findings = found.now();
            let groups: Vec<Arn> = findings.groups.difference(&handled).cloned().collect();
            if groups.is_empty() && !findings.are_coming() {
                break;
            }
            if groups.is_empty() {
                found.more_than(findings.groups.len()).await;
                continue;
            }
            self.look_up(&mut balancers, &groups, findings.are_coming()).await?;
            let new: Vec<String> =
                balancers.before(&groups).into_iter().filter(|arn| seen.insert(arn.clone())).collect();
            rules.extend(self.rules_behind(new).await?);
            handled.extend(groups);
        }
        if found.now().listed.is_none() && found.was_swept() {
            let message = "the services could not all be read, so the rules before them are not known";
            return Err(Fault::new(FaultKind::Unanswered, Operation::DescribeRules.name(), "all rules", message));
        }
        // One endpoint leaves the load balancers of every target group out.
        if !handled.is_empty() && seen.is_empty() {
            rules = self.rules_behind(self.all_load_balancers().await?).await?;
        }
        self.memory.discovery.covered(handled, begun);
        Ok(rules)
    }

    /// Finds the load balancers before target groups. Those of the whole account take fewer calls than many groups.
    async fn look_up(&self, balancers: &mut Balancers, groups: &[Arn], more: bool) -> Result<(), Fault> {
        let unknown: Vec<Arn> = groups.iter().filter(|group| !balancers.know(group)).cloned().collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let many = more || unknown.len() > MANY_GROUPS;
        let described = if many && !balancers.whole {
            balancers.whole = true;
            self.all_groups().await?
        } else {
            self.groups_left(&unknown).await?
        };
        balancers.learn(described);
        // A rule that is known keeps its load balancer, whatever the group's description leaves out.
        for rule in self.memory.rules() {
            for to in &rule.route.forwards {
                balancers.add(&to.target_group, rule.route.load_balancer.as_str());
            }
        }
        Ok(())
    }

    async fn rules_behind(&self, load_balancers: Vec<String>) -> Result<Vec<Rule>, Fault> {
        let listeners: Vec<Vec<Listener>> = stream::iter(load_balancers)
            .map(|load_balancer| self.listeners_of(load_balancer))
            .buffered(self.limits.concurrency)
            .try_collect()
            .await?;
        let rules: Vec<Vec<Rule>> = stream::iter(listeners.into_iter().flatten())
            .map(|listener| self.rules_of(listener))
            .buffered(self.limits.concurrency)
            .try_collect()
            .await?;
        Ok(rules.into_iter().flatten().collect())
    }

    async fn all_load_balancers(&self) -> Result<Vec<String>, Fault> {
        let operation = Operation::DescribeLoadBalancers;
        pages(operation, usize::MAX, |token| async {
            let call = self.clients.elbv2.describe_load_balancers().page_size(400).set_marker(token);
            let answer = self.ask(operation, "all load balancers", call.send()).await?;
            let arns = answer.load_balancers.unwrap_or_default().into_iter();
            Ok((arns.filter_map(|load_balancer| load_balancer.load_balancer_arn).collect(), answer.next_marker))
        })
        .await
    }

    async fn listeners_of(&self, load_balancer: String) -> Result<Vec<Listener>, Fault> {
        let operation = Operation::DescribeListeners;
        let arn = Arn::new(&*load_balancer);
        let subject = format!("load balancer {}", load_balancer_dimension(&arn));
        let answer = pages(operation, usize::MAX, |token| {
            let call = self.clients.elbv2.describe_listeners().load_balancer_arn(&load_balancer).page_size(400);
            let call = call.set_marker(token).send();
            async {
                let answer = self.ask(operation, &subject, call).await?;
                Ok((answer.listeners.unwrap_or_default(), answer.next_marker))
            }
        });
        match answer.await {
            // It went away between the two questions.
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(Vec::new()),
            answer => answer,
        }
    }

    async fn rules_of(&self, listener: Listener) -> Result<Vec<Rule>, Fault> {
        let Some(arn) = listener.listener_arn.as_deref().map(Arn::new) else { return Ok(Vec::new()) };
        let spot = spot(&listener);
        let default = Rule::from_default(arn.clone(), listener.default_actions.unwrap_or_default(), &spot);
        // Only application load balancers have rules; the others' listeners have a default action alone.
        if ["net/", "gwy/"].iter().any(|kind| load_balancer_dimension(&spot.load_balancer).starts_with(kind)) {
            return Ok(default.into_iter().collect());
        }
        let operation = Operation::DescribeRules;
        let subject = format!("listener {}", arn.name());
        let rules = pages(operation, usize::MAX, |token| {
            let call = self.clients.elbv2.describe_rules().listener_arn(arn.as_str()).page_size(400);
            let call = call.set_marker(token).send();
            async {
                let answer = self.ask(operation, &subject, call).await?;
                Ok((answer.rules.unwrap_or_default(), answer.next_marker))
            }
        });
        let rules = match rules.await {
            Err(fault) if fault.kind == FaultKind::NotFound => return Ok(Vec::new()),
            answer => answer?,
        };
        // The default action is known from the listener itself, and written there.
        let (default_rules, rules): (Vec<_>, Vec<_>) =
            rules.into_iter().partition(|rule| rule.is_default == Some(true));
        let default_rule = default_rules.into_iter().find_map(|rule| rule.rule_arn).map(Arn::new);
        let default = default.map(|default| default.with_default_rule(default_rule));
        Ok(rules.into_iter().filter_map(|rule| Rule::from_rule(rule, &spot)).chain(default).collect())
    }

    /// One rule, or one listener's default action, as it is now.
    pub(super) async fn rule(&self, id: &RouteId) -> Result<Rule, Fault> {
        let rule = match id {
            RouteId::Rule(arn) => self.one_rule(id, arn).await?,
            RouteId::Default(arn) => {
                let listener = self.listener(id, arn).await?;
                let spot = spot(&listener);
                let known = self.memory.rule(id).and_then(|rule| rule.route.default_rule.clone());
                let rule = Rule::from_default(arn.clone(), listener.default_actions.unwrap_or_default(), &spot);
                rule.map(|rule| rule.with_default_rule(known))
            }
        };
        let rule = rule.ok_or_else(|| {
            let operation = match id {
                RouteId::Rule(_) => Operation::DescribeRules,
                RouteId::Default(_) => Operation::DescribeListeners,
            };
            let message = "it does not forward to target groups any more";
            Fault::new(FaultKind::NotFound, operation.name(), id.to_string(), message)
        })?;
        self.memory.keep_rule(rule.clone());
        Ok(rule)
    }

    async fn one_rule(&self, id: &RouteId, arn: &Arn) -> Result<Option<Rule>, Fault> {
        let operation = Operation::DescribeRules;
        let subject = id.to_string();
        let answer =
            self.ask(operation, &subject, self.clients.elbv2.describe_rules().rule_arns(arn.as_str()).send()).await?;
        let rules = answer.rules.unwrap_or_default();
        let Some(raw) = rules.into_iter().find(|rule| rule.rule_arn.as_deref() == Some(arn.as_str())) else {
            return Err(Fault::new(FaultKind::NotFound, operation.name(), subject, "the answer does not have it"));
        };
        let spot = match (self.memory.rule(id), listener_of(arn)) {
            (Some(known), _) => known.spot(),
            (None, Some(listener)) => spot(&self.listener(id, &listener).await?),
            (None, None) => Spot { load_balancer: Arn::new(""), port: None },
        };
        Ok(Rule::from_rule(raw, &spot))
    }

    async fn listener(&self, id: &RouteId, arn: &Arn) -> Result<Listener, Fault> {
        let operation = Operation::DescribeListeners;
        let subject = id.to_string();
        let call = self.clients.elbv2.describe_listeners().listener_arns(arn.as_str());
        let answer = self.ask(operation, &subject, call.send()).await?;
        let mut listeners = answer.listeners.unwrap_or_default().into_iter();
        listeners
            .find(|listener| listener.listener_arn.as_deref() == Some(arn.as_str()))
            .ok_or_else(|| Fault::new(FaultKind::NotFound, operation.name(), subject, "the answer does not have it"))
    }
}

/// The listener of a rule, or of a default action.
fn listener(id: &RouteId) -> Option<Arn> {
    match id {
        RouteId::Rule(arn) => listener_of(arn),
        RouteId::Default(arn) => Some(arn.clone()),
    }
}

fn spot(listener: &Listener) -> Spot {
    Spot {
        load_balancer: Arn::new(listener.load_balancer_arn.clone().unwrap_or_default()),
        port: listener.port.and_then(|port| u16::try_from(port).ok()),
    }
}
