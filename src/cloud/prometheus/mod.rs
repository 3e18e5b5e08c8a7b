//! Prometheus: a team's own numbers, by the range queries of its HTTP API.
//!
//! Each expression is evaluated at the end of each whole minute, so it says what there was in the minute that ends
//! now: `sum(increase(http_requests_total{revision="{revision}"}[1m]))`. For the eye the same is evaluated every five
//! seconds. Nothing is computed here that PromQL could: percentiles, sums and rates are the expression's.

mod answer;
mod api;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};

use super::MetricProvider;
use crate::clock::Clock;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::metrics::source::{CustomMetrics, MetricQueries, MetricSource, Resolution, Source};
use crate::domain::metrics::{Member, MetricsQuery, Minute, Series, Trouble, TroubleKind};
use crate::domain::text::cut;

pub use self::api::{Address, BadAddress};

/// Prometheus corrects nothing, but it knows of a minute's last requests only once it has scraped their targets: a scrape
/// may take ten seconds by default, and what it brings may come from another Prometheus (remote write, federation).
pub const SETTLES_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// Between two evaluations for the eye, seconds.
const FINE: i64 = 5;
/// How far back they go, seconds.
const LIVE: i64 = 600;
const MINUTE: i64 = 60;

/// Characters of a message about an expression, at the most.
const LONGEST_MESSAGE: usize = 500;

/// Range queries under way at once: Prometheus runs twenty at a time by default, and is not there for us alone.
const AT_ONCE: usize = 6;
/// For all queries of one question together: what has no answer by then is in trouble.
const PATIENCE: Duration = Duration::from_secs(25);

/// A Prometheus server, or whatever speaks its API (Thanos, Mimir, VictoriaMetrics).
pub struct Prometheus {
    api: api::Api,
    clock: Arc<dyn Clock>,
    patience: Duration,
}

impl Prometheus {
    /// Calls nobody yet. The token is read from its file for each call, for it may be renewed at any time.
    pub fn new(address: Address, token: Option<PathBuf>, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        Ok(Self { api: api::Api::new(address, token)?, clock, patience: PATIENCE })
    }
}

/// Evaluations from `first` to `last`, both included, every `step` seconds. Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: i64,
    last: i64,
    step: i64,
}

/// An expression and when it is evaluated.
#[derive(Debug, Clone)]
struct Question {
    /// The place of its meter among those that are asked for.
    meter: usize,
    member: Member,
    expression: String,
    range: Range,
}

/// What came of it: what is wrong with an expression concerns nobody else.
type Answered = (Question, Result<answer::Points, Trouble>);

/// When expressions are evaluated: at each minute's end that is past, and for the eye in between. Ten minutes in steps
/// of five seconds have the minutes' ends among them.
fn ranges(query: &MetricsQuery, detail: Resolution, now: i64) -> Vec<Range> {
    let first = (query.from.as_second() + MINUTE - 1).div_euclid(MINUTE) * MINUTE + MINUTE;
    let last = query.to.as_second().min(now).div_euclid(MINUTE) * MINUTE;
    let whole = Range { first, last, step: MINUTE };
    let last = now.div_euclid(FINE) * FINE;
    let fine = Range { first: last - LIVE, last, step: FINE };
    let mut ranges = match detail {
        Resolution::Brief => vec![whole],
        Resolution::Full if whole.first >= fine.first && whole.last <= fine.last => vec![fine],
        Resolution::Full => vec![whole, fine],
    };
    ranges.retain(|range| range.first <= range.last);
    ranges
}

#[async_trait]
impl MetricProvider for Prometheus {
    /// An empty series for a meter that is not Prometheus'. A minute that has not ended is left out.
    async fn minutes(&self, query: &MetricsQuery) -> Result<Vec<(MetricSource, Series)>, Fault> {
        let now = self.clock.now();
        let questions = query.meters.iter().enumerate().flat_map(|(meter, (asked, detail))| {
            let recipe = match asked {
                MetricSource::Custom(CustomMetrics { source: Source::Prometheus(recipe), .. }) => Some(recipe),
                _ => None,
            };
            recipe.into_iter().flat_map(MetricQueries::each).flat_map(move |(member, expression)| {
                let ranges = ranges(query, *detail, now.as_second());
                ranges.into_iter().map(move |range| Question { meter, member, expression: expression.clone(), range })
            })
        });
        let mut answers = self.answers(questions.collect()).await?;
        answers.sort_by_key(|(question, _)| (question.meter, question.member));
        let of = |index: usize| answers.iter().filter(move |(question, _)| question.meter == index);
        let series = query.meters.iter().enumerate().map(|(index, (meter, detail))| {
            let seconds = matches!(meter, MetricSource::Custom(CustomMetrics { seconds: true, .. }));
            (meter.clone(), assemble(of(index), query, *detail, seconds, now.as_second()))
        });
        Ok(series.collect())
    }
}

impl Prometheus {
    /// An answer to each question. One that takes too long is in trouble by itself, as long as others are answered.
    async fn answers(&self, questions: Vec<Question>) -> Result<Vec<Answered>, Fault> {
        let asking = futures::stream::iter(questions.clone().into_iter().enumerate())
            .map(|(place, question)| async move { (place, self.api.ask(&question).await) })
            .buffer_unordered(AT_ONCE)
            .take_until(tokio::time::sleep(self.patience));
        let mut asking = std::pin::pin!(asking);
        let mut answered = BTreeMap::new();
        let mut slow = None;
        while let Some((place, answer)) = asking.next().await {
            match answer {
                Ok(answer) => drop(answered.insert(place, answer)),
                Err(fault) if fault.kind == FaultKind::Unanswered => drop(slow.get_or_insert(fault)),
                Err(fault) => return Err(fault),
            }
        }
        let waited = slow.as_ref().map_or_else(
            || format!("not all queries were answered within {:?}", self.patience),
            |fault| fault.message.clone(),
        );
        if answered.is_empty() && !questions.is_empty() {
            let advice = "Check that it is well; fewer or cheaper expressions, or recording rules, help.";
            return Err(slow.unwrap_or_else(|| self.api.fault(FaultKind::Unanswered, waited, advice)));
        }
        let questions = questions.into_iter().enumerate().map(|(place, question)| {
            let late = || Err(failed(question.member, format!("{waited}; a cheaper one, or a recording rule, helps")));
            let answer = answered.remove(&place).unwrap_or_else(late);
            (question, answer)
        });
        Ok(questions.collect())
    }
}

/// One meter's minutes, by when they ended.
#[derive(Default)]
struct Ended {
    minutes: BTreeMap<i64, Minute>,
    /// Those of which the expression for errors gave something that is no count.
    uncounted: BTreeSet<i64>,
}

impl Ended {
    fn put(&mut self, member: Member, end: i64, value: f64, seconds: bool) {
        // NaN is what a division by nothing gives, +Inf what a quantile above the last bucket does. Nothing is counted
        // below zero.
        if !value.is_finite() || value < 0.0 {
            if member == Member::Errors {
                self.uncounted.insert(end);
            }
            return;
        }
        let Ok(at) = Timestamp::from_second(end - MINUTE) else { return };
        let minute = self.minutes.entry(end).or_insert_with(|| Minute::at(at));
        let scale = if seconds && !member.counts() { 1e3 } else { 1.0 };
        *member.of(minute) = Some(value * scale);
    }

    fn series(self, uncounted: bool) -> Vec<Minute> {
        let Self { minutes, uncounted: some } = self;
        let minute = |(end, minute)| Minute { uncounted: uncounted || some.contains(&end), ..minute };
        minutes.into_iter().map(minute).collect()
    }
}

fn assemble<'a>(
    answers: impl Iterator<Item = &'a Answered>,
    query: &MetricsQuery,
    detail: Resolution,
    seconds: bool,
    now: i64,
) -> Series {
    let (from, to) = (query.from.as_second(), query.to.as_second().min(now));
    let (mut whole, mut live) = (Ended::default(), Ended::default());
    let mut troubles: Vec<Trouble> = Vec::new();
    let mut unread = BTreeSet::new();
    for (Question { member, .. }, answer) in answers {
        let none = answer::Points::default();
        let (points, trouble) = match answer {
            Ok(points) => (points, points.warning(*member)),
            Err(trouble) => (&none, Some(trouble.clone())),
        };
        for (end, value) in &points.values {
            // What is of a part of the targets only is shown, and never judged.
            if trouble.is_none() && end % MINUTE == 0 && from + MINUTE <= *end && *end <= to {
                whole.put(*member, *end, *value, seconds);
            }
            if detail == Resolution::Full && end % FINE == 0 && now.div_euclid(FINE) * FINE - LIVE <= *end {
                live.put(*member, *end, *value, seconds);
            }
        }
        unread.extend(trouble.is_some().then_some(*member));
        troubles.extend(trouble.filter(|trouble| !troubles.contains(trouble)));
    }
    // Part of the requests, or of the errors, is no rate.
    let uncounted = unread.iter().any(|member| member.counts());
    Series {
        minutes: whole.series(uncounted),
        live: live.series(uncounted),
        troubles,
        unread,
        settles_after: SETTLES_AFTER,
        ..Series::default()
    }
}

/// Enough of what Prometheus says for a line: it may repeat a whole expression, or a body of megabytes.
fn short(text: &str) -> String {
    cut(text, LONGEST_MESSAGE).into_owned()
}

/// What is wrong with one expression.
fn failed(member: Member, message: String) -> Trouble {
    Trouble { metric: member.to_string(), kind: TroubleKind::Failed, message: short(&message) }
}
