//! The load balancers: listeners, and rules with their weights.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::Listener;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::{Route, RouteId, listener_of, load_balancer_dimension};
use crate::domain::fault::{Fault, FaultKind};

use super::Aws;
use super::operation::Operation;
use super::pages::pages;
use super::rule::{Rule, Spot};

impl Aws {
    /// Every rule and default action that forwards to target groups.
    pub(super) async fn routes(&self) -> Result<Vec<Route>, Fault> {
        self.memory
            .watch(async {
                let rules = self.rules().await?;
                let routes = rules.iter().map(|rule| rule.route.clone()).collect();
                self.memory.keep_only(rules);
                Ok(routes)
            })
            .await
    }

    async fn rules(&self) -> Result<Vec<Rule>, Fault> {
        let load_balancers = self.load_balancers().await?;
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

    /// The load balancers before the services' target groups; all of them before the services are known.
    async fn load_balancers(&self) -> Result<Vec<String>, Fault> {
        let Some(target_groups) = self.memory.target_groups() else { return self.all_load_balancers().await };
        match self.load_balancers_of(&target_groups).await {
            // One that was just deleted would fail the whole question.
            Err(fault) if fault.kind == FaultKind::NotFound => self.all_load_balancers().await,
            answer => answer,
        }
    }

    async fn load_balancers_of(&self, target_groups: &[Arn]) -> Result<Vec<String>, Fault> {
        let groups = self.described_groups(target_groups).await?.into_iter();
        let unique: BTreeSet<String> = groups.flat_map(|group| group.load_balancer_arns.unwrap_or_default()).collect();
        Ok(unique.into_iter().collect())
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
        self.memory
            .watch(async {
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
            })
            .await
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

fn spot(listener: &Listener) -> Spot {
    Spot {
        load_balancer: Arn::new(listener.load_balancer_arn.clone().unwrap_or_default()),
        port: listener.port.and_then(|port| u16::try_from(port).ok()),
    }
}
