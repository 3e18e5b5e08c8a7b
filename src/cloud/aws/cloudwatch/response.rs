//! Conversion of CloudWatch's results: values to minutes, failed queries to troubles.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types::{MetricDataResult, StatusCode};
use jiff::Timestamp;

use super::request::{Asked, Meaning};
use crate::cloud::aws::operation::Operation;
use crate::cloud::aws::time::timestamp;
use crate::domain::metrics::{Member, Minute, Series, Trouble, TroubleKind};
use crate::domain::text::cut;

/// Maximum characters of a message about a metric.
const LONGEST_MESSAGE: usize = 500;

/// The results of one query, over all pages.
#[derive(Debug, Default)]
pub(super) struct Result {
    points: Vec<(Timestamp, f64)>,
    /// True if a page contains a result for the query.
    given: bool,
    /// Status on the newest page: `PartialData` on an earlier page only means that another page follows.
    status: Option<StatusCode>,
    message: Option<String>,
}

impl Result {
    /// The result of a query that CloudWatch left out, with a message about the whole call.
    pub(super) fn silent(message: &str) -> Self {
        Self { message: Some(message.to_owned()), ..Self::default() }
    }

    pub(super) fn add(&mut self, page: &MetricDataResult) {
        self.given = true;
        let points = page.timestamps().iter().zip(page.values()).filter(|(_, value)| value.is_finite());
        self.points.extend(points.filter_map(|(at, value)| Some((timestamp(at)?, *value))));
        self.status = page.status_code().cloned().or(self.status.take());
        let mut messages = page.messages().iter().rev().filter_map(|message| message.value());
        self.message = messages.next().map(str::to_owned).or(self.message.take());
    }

    /// The trouble of a failed query. HTTP 200 is not success: each result has its own status.
    fn trouble(&self, asked: &Asked) -> Option<Trouble> {
        let (kind, what) = match &self.status {
            _ if !self.given => (TroubleKind::Failed, "CloudWatch gave no answer to it".to_owned()),
            None | Some(StatusCode::Complete) => return None,
            Some(StatusCode::Forbidden) => {
                let permission = Operation::GetMetricData.permission();
                let what = format!("CloudWatch does not let these credentials read it: {permission} is needed");
                (TroubleKind::Forbidden, what)
            }
            Some(StatusCode::PartialData) => (TroubleKind::Partial, "CloudWatch gave a part of it only".to_owned()),
            Some(StatusCode::InternalError) => (TroubleKind::Failed, "CloudWatch failed to read it".to_owned()),
            Some(other) => (TroubleKind::Failed, format!("CloudWatch says {}", other.as_str())),
        };
        let message = self.message.as_ref().map_or(what.clone(), |message| format!("{what} ({message})"));
        let metric = format!("{} {}", asked.metric.name, asked.metric.statistic);
        Some(Trouble { metric, kind, message: cut(&message, LONGEST_MESSAGE).into_owned() })
    }
}

/// Builds a source's minutes, oldest first.
pub(super) fn series(answers: &[(&Asked, Result)]) -> Series {
    let mut minutes: BTreeMap<Timestamp, Minute> = BTreeMap::new();
    let mut series = Series::default();
    let members = |asked: &Asked| match asked.meaning {
        Meaning::Of(member) => Some(member),
        Meaning::Shown(_) => None,
    };
    let asked: BTreeSet<Member> = answers.iter().filter_map(|(asked, _)| members(asked)).collect();
    let of_a_side = !asked.is_empty();
    // A percentile that was not queried is unknown.
    let percentiles = [Member::P50, Member::P99].into_iter().filter(|_| of_a_side);
    series.unread.extend(percentiles.filter(|member| !asked.contains(member)));
    for (asked, result) in answers {
        for (at, value) in &result.points {
            let value = value * asked.factor;
            match asked.meaning {
                Meaning::Of(member) => {
                    *member.of(minutes.entry(*at).or_insert_with(|| Minute::at(*at))) = Some(value);
                }
                Meaning::Shown(gauge) => {
                    series.gauges.entry(gauge).or_default().insert(*at, value);
                }
            }
        }
        if let Some(trouble) = result.trouble(asked) {
            tracing::debug!(metric = trouble.metric, message = trouble.message, "a metric could not be read");
            series.troubles.push(trouble);
            series.unread.extend(members(asked));
        }
    }
    series.minutes = minutes.into_values().collect();
    // The absence of errors means nothing if some error counts were not read or not queried.
    if !asked.contains(&Member::Errors) || series.unread.iter().any(|member| member.counts_errors()) {
        series.minutes.iter_mut().for_each(|minute| minute.uncounted = true);
    }
    series
}
