//! CloudWatch's alarms, by name.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, LogAlarm, MetricAlarm, StateValue};
use aws_smithy_types::DateTime;

use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::fault::{Fault, FaultKind};

use super::Aws;
use super::operation::Operation;
use super::pages::pages;
use super::time::maybe;

/// DescribeAlarms takes as many names in one call, and gives as many alarms on a page.
const NAMES_A_CALL: usize = 100;

/// Alarms are shown only where their kind is asked for.
const KINDS: [AlarmType; 3] = [AlarmType::MetricAlarm, AlarmType::CompositeAlarm, AlarmType::LogAlarm];
const OLDER_KINDS: [AlarmType; 2] = [AlarmType::MetricAlarm, AlarmType::CompositeAlarm];

impl Aws {
    /// Those of the alarms that there are, by name. ECS polls the alarms of deployments out of the same quota: no
    /// name is asked for twice, and nothing without names.
    pub(super) async fn alarms(&self, names: &[String]) -> Result<Vec<Alarm>, Fault> {
        let names: BTreeSet<&String> = names.iter().collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        let mut found = BTreeMap::new();
        for batch in names.chunks(NAMES_A_CALL) {
            let alarms = match self.describe_alarms(batch, &KINDS).await {
                // An endpoint that does not know log alarms has none.
                Err(fault) if fault.kind == FaultKind::Refused => self.describe_alarms(batch, &OLDER_KINDS).await?,
                alarms => alarms?,
            };
            found.extend(alarms.into_iter().map(|alarm| (alarm.name.clone(), alarm)));
        }
        Ok(found.into_values().collect())
    }

    async fn describe_alarms(&self, names: &[String], kinds: &[AlarmType]) -> Result<Vec<Alarm>, Fault> {
        let operation = Operation::DescribeAlarms;
        let subject = match names {
            [only] => format!("alarm {only}"),
            several => format!("{} alarms", several.len()),
        };
        pages(operation, usize::MAX, |token| {
            let call = self.clients.cloudwatch.describe_alarms().set_alarm_names(Some(names.to_vec()));
            let call = call.set_alarm_types(Some(kinds.to_vec()));
            let call = call.max_records(i32::try_from(NAMES_A_CALL).unwrap_or(i32::MAX)).set_next_token(token);
            let call = call.send();
            async {
                let answer = self.ask(operation, &subject, call).await?;
                let metric = answer.metric_alarms().iter().filter_map(metric);
                let composite = answer.composite_alarms().iter().filter_map(composite);
                let log = answer.log_alarms().iter().filter_map(log);
                Ok((metric.chain(composite).chain(log).collect(), answer.next_token.clone()))
            }
        })
        .await
    }
}

fn metric(raw: &MetricAlarm) -> Option<Alarm> {
    let since = [raw.state_transitioned_timestamp(), raw.state_updated_timestamp()];
    alarm(raw.alarm_name(), raw.state_value(), raw.state_reason(), since)
}

fn log(raw: &LogAlarm) -> Option<Alarm> {
    let since = [raw.state_transitioned_timestamp(), raw.state_updated_timestamp()];
    alarm(raw.alarm_name(), raw.state_value(), raw.state_reason(), since)
}

fn composite(raw: &CompositeAlarm) -> Option<Alarm> {
    let since = [raw.state_transitioned_timestamp(), raw.state_updated_timestamp()];
    alarm(raw.alarm_name(), raw.state_value(), raw.state_reason(), since)
}

/// `None` for an alarm without a name. The first of the times that is there is meant.
fn alarm(
    name: Option<&str>,
    state: Option<&StateValue>,
    reason: Option<&str>,
    since: [Option<&DateTime>; 2],
) -> Option<Alarm> {
    Some(Alarm {
        name: name?.to_owned(),
        state: match state {
            Some(StateValue::Ok) => AlarmState::Ok,
            Some(StateValue::Alarm) => AlarmState::Alarm,
            Some(StateValue::InsufficientData) => AlarmState::InsufficientData,
            other => AlarmState::Other(other.map_or("", StateValue::as_str).to_owned()),
        },
        reason: reason.filter(|reason| !reason.is_empty()).map(str::to_owned),
        since: since.into_iter().find_map(maybe),
    })
}
