//! Target groups: how their targets are, how they are checked, how long they drain.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{
    TargetGroup as Described, TargetHealth, TargetHealthDescription, TargetHealthStateEnum,
};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::{Health, Target, TargetGroup, TargetState, target_group_name};
use crate::domain::fault::{Fault, FaultKind};

use super::Aws;
use super::operation::Operation;
use super::pages::pages;

/// ELBv2 takes as many target groups in one call.
const TARGET_GROUPS_A_CALL: usize = 20;

/// The attribute that says how long a target drains, seconds.
const DRAINING: &str = "deregistration_delay.timeout_seconds";

impl Aws {
    /// The health of target groups; one that cannot be known is left out.
    pub(super) async fn health(&self, target_groups: &[Arn]) -> Result<Vec<(Arn, Health)>, Fault> {
        let read: Vec<Option<(Arn, Health)>> = stream::iter(target_groups.to_vec())
            .map(|target_group| self.health_of(target_group))
            .buffered(self.limits.concurrency)
            .try_collect()
            .await?;
        Ok(read.into_iter().flatten().collect())
    }

    async fn health_of(&self, target_group: Arn) -> Result<Option<(Arn, Health)>, Fault> {
        let operation = Operation::DescribeTargetHealth;
        let subject = subject(&target_group);
        let call = self.clients.elbv2.describe_target_health().target_group_arn(target_group.as_str());
        match self.ask(operation, &subject, call.send()).await {
            Ok(answer) => {
                let health = count(answer.target_health_descriptions());
                Ok(Some((target_group, health)))
            }
            // Not known is not unhealthy.
            Err(fault) if fault.code.as_deref() == Some("HealthUnavailable") => Ok(None),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The settings of target groups; one that is gone is left out.
    pub(super) async fn target_groups(&self, groups: &[Arn]) -> Result<Vec<TargetGroup>, Fault> {
        let described = self.groups_left(groups).await?;
        let settings = stream::iter(described).map(|raw| async move {
            let group = settings(&raw)?;
            // It may be forbidden apart, and costs nothing but itself then.
            let delay = self.deregistration_delay(&group.arn).await.ok().flatten();
            Some(TargetGroup { deregistration_delay: delay, ..group })
        });
        let settings: Vec<_> = settings.buffered(self.limits.concurrency).collect().await;
        Ok(settings.into_iter().flatten().collect())
    }

    /// As AWS describes them.
    pub(super) async fn described_groups(&self, groups: &[Arn]) -> Result<Vec<Described>, Fault> {
        let batches: Vec<Vec<String>> = groups
            .chunks(TARGET_GROUPS_A_CALL)
            .map(|batch| batch.iter().map(|arn| arn.as_str().to_owned()).collect())
            .collect();
        let found: Vec<_> = stream::iter(batches)
            .map(|batch| async {
                let operation = Operation::DescribeTargetGroups;
                let subject = names(batch.iter().map(|arn| target_group_name(&Arn::new(arn)).to_owned()));
                let call = self.clients.elbv2.describe_target_groups().set_target_group_arns(Some(batch));
                self.ask(operation, &subject, call.send()).await
            })
            .buffered(self.limits.concurrency)
            .try_collect()
            .await?;
        Ok(found.into_iter().flat_map(|answer| answer.target_groups.unwrap_or_default()).collect())
    }

    /// All of the account's.
    pub(super) async fn all_groups(&self) -> Result<Vec<Described>, Fault> {
        let operation = Operation::DescribeTargetGroups;
        pages(operation, usize::MAX, |token| async {
            let call = self.clients.elbv2.describe_target_groups().page_size(400).set_marker(token);
            let answer = self.ask(operation, "all target groups", call.send()).await?;
            Ok((answer.target_groups.unwrap_or_default(), answer.next_marker))
        })
        .await
    }

    /// As AWS describes those that there still are.
    pub(super) async fn groups_left(&self, groups: &[Arn]) -> Result<Vec<Described>, Fault> {
        match self.described_groups(groups).await {
            // One that is gone fails the whole question.
            Err(fault) if fault.kind == FaultKind::NotFound => self.those_left(groups).await,
            described => described,
        }
    }

    /// The same of those that there still are, each asked for by itself.
    async fn those_left(&self, groups: &[Arn]) -> Result<Vec<Described>, Fault> {
        let left: Vec<Vec<Described>> = stream::iter(groups.to_vec())
            .map(|group| async move {
                match self.described_groups(&[group]).await {
                    Err(fault) if fault.kind == FaultKind::NotFound => Ok(Vec::new()),
                    described => described,
                }
            })
            .buffered(self.limits.concurrency)
            .try_collect()
            .await?;
        Ok(left.into_iter().flatten().collect())
    }

    async fn deregistration_delay(&self, group: &Arn) -> Result<Option<u32>, Fault> {
        let operation = Operation::DescribeTargetGroupAttributes;
        let call = self.clients.elbv2.describe_target_group_attributes().target_group_arn(group.as_str());
        let answer = self.ask(operation, &subject(group), call.send()).await?;
        let delay = answer.attributes().iter().find(|attribute| attribute.key() == Some(DRAINING));
        Ok(delay.and_then(|attribute| attribute.value()?.parse().ok()))
    }
}

fn subject(target_group: &Arn) -> String {
    format!("target group {}", target_group_name(target_group))
}

fn names(mut names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(1);
    let first = names.next().unwrap_or_default();
    if more == 0 { first } else { format!("{first} and {more} more") }
}

/// All but the deregistration delay, which is not among them. `None` for one without an ARN.
fn settings(raw: &Described) -> Option<TargetGroup> {
    let positive = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    Some(TargetGroup {
        arn: Arn::new(raw.target_group_arn()?),
        check: check(raw),
        interval: positive(raw.health_check_interval_seconds()),
        timeout: positive(raw.health_check_timeout_seconds()),
        healthy_after: positive(raw.healthy_threshold_count()),
        unhealthy_after: positive(raw.unhealthy_threshold_count()),
        deregistration_delay: None,
    })
}

/// `HTTP GET /health, 200 expected`; `HTTP GET /health on port 8081, 200 expected`; `gRPC /health, 0-99 expected`; `TCP`.
fn check(raw: &Described) -> String {
    if raw.health_check_enabled() == Some(false) {
        return "none".to_owned();
    }
    let protocol = raw.health_check_protocol().or(raw.protocol());
    let Some(protocol) = protocol.map(|protocol| protocol.as_str()) else { return "not told".to_owned() };
    let grpc = raw.protocol_version().is_some_and(|version| version.eq_ignore_ascii_case("grpc"));
    let way = match protocol {
        _ if grpc => "gRPC".to_owned(),
        "HTTP" | "HTTPS" => format!("{protocol} GET"),
        other => other.to_owned(),
    };
    let path = raw.health_check_path().map(|path| format!(" {path}")).unwrap_or_default();
    let port = raw.health_check_port().filter(|port| *port != "traffic-port");
    let port = port.map(|port| format!(" on port {port}")).unwrap_or_default();
    let code = raw.matcher().and_then(|matcher| matcher.http_code().or(matcher.grpc_code()));
    let code = code.map(|code| format!(", {code} expected")).unwrap_or_default();
    format!("{way}{path}{port}{code}")
}

/// Each target, and how many there are of each state and reason.
fn count(raw: &[TargetHealthDescription]) -> Health {
    let mut health = Health::default();
    let mut reasons: BTreeMap<String, u32> = BTreeMap::new();
    for target in raw.iter().map(target) {
        let counter = match &target.state {
            TargetState::Healthy => &mut health.healthy,
            TargetState::Unhealthy => &mut health.unhealthy,
            TargetState::Initial => &mut health.initial,
            TargetState::Draining => &mut health.draining,
            TargetState::Unused | TargetState::Other(_) => &mut health.other,
        };
        *counter += 1;
        if let Some(reason) = &target.reason {
            *reasons.entry(reason.clone()).or_default() += 1;
        }
        health.targets.push(target);
    }
    health.reasons = reasons.into_iter().collect();
    health.reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    health
}

fn target(raw: &TargetHealthDescription) -> Target {
    let (who, health) = (raw.target(), raw.target_health());
    let said = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Target {
        id: who.and_then(|who| who.id()).unwrap_or_default().to_owned(),
        port: who.and_then(|who| who.port()).and_then(|port| u16::try_from(port).ok()),
        zone: said(who.and_then(|who| who.availability_zone())),
        state: state(health),
        reason: said(health.and_then(|health| health.reason()).map(|reason| reason.as_str())),
        description: said(health.and_then(|health| health.description())),
    }
}

fn state(health: Option<&TargetHealth>) -> TargetState {
    match health.and_then(|health| health.state()) {
        Some(TargetHealthStateEnum::Healthy) => TargetState::Healthy,
        Some(TargetHealthStateEnum::Unhealthy) => TargetState::Unhealthy,
        Some(TargetHealthStateEnum::Initial) => TargetState::Initial,
        Some(TargetHealthStateEnum::Draining) => TargetState::Draining,
        Some(TargetHealthStateEnum::Unused) => TargetState::Unused,
        // `unhealthy.draining` too: it still serves, and it is not well.
        Some(other) => TargetState::Other(other.as_str().to_owned()),
        None => TargetState::Other("not told".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_elasticloadbalancingv2::types::{Matcher, ProtocolEnum, TargetDescription, TargetHealthReasonEnum};

    #[test]
    fn targets_are_counted_by_state_and_reason() {
        use TargetHealthStateEnum as State;
        let target = |state: State, reason: Option<TargetHealthReasonEnum>| {
            let health = TargetHealth::builder().state(state).set_reason(reason).build();
            TargetHealthDescription::builder().target_health(health).build()
        };
        let failed = Some(TargetHealthReasonEnum::FailedHealthChecks);
        let health = count(&[
            target(State::Healthy, None),
            target(State::Initial, Some(TargetHealthReasonEnum::RegistrationInProgress)),
            target(State::Unhealthy, failed.clone()),
            target(State::Unhealthy, failed),
            target(State::Draining, Some(TargetHealthReasonEnum::DeregistrationInProgress)),
            target(State::from("unhealthy.draining"), None),
            TargetHealthDescription::builder().build(),
        ]);
        let counts = [health.healthy, health.unhealthy, health.initial, health.draining, health.other];
        assert_eq!(counts, [1, 2, 1, 1, 2]);
        assert_eq!(health.reasons.first(), Some(&("Target.FailedHealthChecks".to_owned(), 2)));
        assert_eq!(health.registered(), 6);
        let others: Vec<_> = health.targets.iter().skip(5).map(|target| target.state.clone()).collect();
        assert_eq!(others, ["unhealthy.draining", "not told"].map(|state| TargetState::Other(state.to_owned())));
    }

    #[test]
    fn a_target_says_who_it_is_and_what_is_the_matter() {
        let who = TargetDescription::builder().id("10.0.1.7").port(8080).availability_zone("us-east-1a").build();
        let health = TargetHealth::builder()
            .state(TargetHealthStateEnum::Unhealthy)
            .reason(TargetHealthReasonEnum::ResponseCodeMismatch)
            .description("Health checks failed with these codes: [500]")
            .build();
        let raw = TargetHealthDescription::builder().target(who).target_health(health).build();
        assert_eq!(
            target(&raw),
            Target {
                id: "10.0.1.7".into(),
                port: Some(8080),
                zone: Some("us-east-1a".into()),
                state: TargetState::Unhealthy,
                reason: Some("Target.ResponseCodeMismatch".into()),
                description: Some("Health checks failed with these codes: [500]".into()),
            }
        );
    }

    #[test]
    fn checks_in_words() {
        let http = Described::builder()
            .health_check_protocol(ProtocolEnum::Http)
            .health_check_path("/health")
            .health_check_port("traffic-port")
            .matcher(Matcher::builder().http_code("200-299").build());
        let grpc = Described::builder()
            .health_check_protocol(ProtocolEnum::Http)
            .protocol_version("GRPC")
            .health_check_path("/grpc.health.v1.Health/Check")
            .matcher(Matcher::builder().grpc_code("0").build());
        for (raw, words) in [
            (http.clone().build(), "HTTP GET /health, 200-299 expected"),
            (http.health_check_port("8081").build(), "HTTP GET /health on port 8081, 200-299 expected"),
            (grpc.build(), "gRPC /grpc.health.v1.Health/Check, 0 expected"),
            (Described::builder().health_check_protocol(ProtocolEnum::Tcp).build(), "TCP"),
            (Described::builder().protocol(ProtocolEnum::Tls).health_check_enabled(false).build(), "none"),
            (Described::builder().build(), "not told"),
        ] {
            assert_eq!(check(&raw), words);
        }
    }
}
