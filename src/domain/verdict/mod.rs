//! Is the canary as good as what it replaces? Numbers with their counts, never a colour without them.

pub mod counts;
pub mod ranks;
#[cfg(test)]
mod reference;
pub mod spend;

use jiff::Timestamp;
use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF};

use super::metrics::{Percentile, Series};
use super::settings::Thresholds;

/// What the settled minutes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Opinion {
    /// Within the lines, on enough requests.
    Good,
    /// Outside a line, and not by chance.
    Bad,
    /// Too little data, or none, to say either.
    Unsure,
}

impl Opinion {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Unsure => "unsure",
        }
    }
}

/// What was counted for one side over the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Numbers {
    /// Settled minutes with requests.
    pub minutes: u32,
    /// Requests.
    pub requests: f64,
    /// Errors: 5xx of targets and connection errors.
    pub errors: f64,
    /// Errors over requests, percent.
    pub error_percent: Option<f64>,
    /// Where the true error rate lies with 95 % confidence, percent.
    pub error_between: Option<(f64, f64)>,
    /// Response times, milliseconds: the minutes' percentiles weighted by their requests.
    pub p50: Option<f64>,
    /// 95 of 100 are faster.
    pub p95: Option<f64>,
    /// 99 of 100 are faster.
    pub p99: Option<f64>,
}

/// An opinion with its reasons and its numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// In one word.
    pub opinion: Opinion,
    /// Why, one sentence each, the weightiest first.
    pub reasons: Vec<String>,
    /// The side that is judged.
    pub judged: Numbers,
    /// What it is held against; `None` for a service without a canary.
    pub baseline: Option<Numbers>,
}

impl Numbers {
    /// Sums up the settled minutes of the window that ends now and does not reach back before `since`.
    pub fn gather(series: &Series, now: Timestamp, thresholds: &Thresholds, since: Option<Timestamp>) -> Self {
        let minutes: Vec<_> = series
            .recent(now, thresholds.window)
            // A minute that began before the weights changed mixes two shares.
            .filter(|minute| since.is_none_or(|since| minute.at >= since))
            .filter(|minute| minute.requests.is_some_and(|requests| requests > 0.0))
            .collect();
        let requests: f64 = minutes.iter().filter_map(|minute| minute.requests).sum();
        let errors: f64 = minutes.iter().filter_map(|minute| minute.errors()).sum();
        let latency = |percentile| {
            let (sum, weight) = minutes
                .iter()
                .filter_map(|minute| Some((minute.latency(percentile)?, minute.requests?)))
                .fold((0.0, 0.0), |(sum, weight), (value, requests)| (sum + value * requests, weight + requests));
            (weight > 0.0).then(|| sum / weight)
        };
        Self {
            minutes: u32::try_from(minutes.len()).unwrap_or(u32::MAX),
            requests,
            errors,
            error_percent: (requests > 0.0).then(|| (errors / requests * 100.0).min(100.0)),
            error_between: interval(errors, requests),
            p50: latency(Percentile::P50),
            p95: latency(Percentile::P95),
            p99: latency(Percentile::P99),
        }
    }
}

/// The exact (Clopper–Pearson) 95 % interval of a rate, percent: honest where counts are small.
fn interval(errors: f64, requests: f64) -> Option<(f64, f64)> {
    if !(requests > 0.0 && errors.is_finite() && requests.is_finite()) {
        return None;
    }
    let errors = errors.clamp(0.0, requests);
    let quantile = |a: f64, b: f64, p: f64| Beta::new(a, b).map(|beta| beta.inverse_cdf(p)).ok();
    let low = if errors <= 0.0 { 0.0 } else { quantile(errors, requests - errors + 1.0, 0.025)? };
    let high = if errors >= requests { 1.0 } else { quantile(errors + 1.0, requests - errors, 0.975)? };
    Some((low * 100.0, high * 100.0))
}

/// Judges one side against the lines, and against the other side where there is one.
pub fn judge(judged: Numbers, baseline: Option<Numbers>, thresholds: &Thresholds) -> Verdict {
    let mut bad = Vec::new();
    let mut doubts = Vec::new();
    let enough = judged.requests >= f64::from(thresholds.min_requests);

    match (judged.error_percent, judged.error_between) {
        (Some(rate), Some((low, high))) if rate > thresholds.error_percent => {
            let line = format!(
                "{rate:.2}% errors (n={:.0}, 95% {low:.2}–{high:.2}%) over the line of {}%",
                judged.requests, thresholds.error_percent
            );
            // Not by chance: even the low end of the interval is over the line.
            if low > thresholds.error_percent {
                bad.push(line)
            } else {
                doubts.push(format!("{line}, which could be chance"))
            }
        }
        _ => {}
    }
    if enough && let Some(p95) = judged.p95 {
        if let Some(limit) = thresholds.p95_ms.filter(|limit| p95 > *limit) {
            bad.push(format!("p95 {p95:.0} ms over the line of {limit:.0} ms"));
        }
        let base =
            baseline.filter(|base| base.requests >= f64::from(thresholds.min_requests)).and_then(|base| base.p95);
        if let Some(base) = base.filter(|base| *base > 0.0 && p95 / base > thresholds.p95_ratio) {
            bad.push(format!(
                "p95 {p95:.0} ms is {:.1}× stable's {base:.0} ms (line: {}×)",
                p95 / base,
                thresholds.p95_ratio
            ));
        }
    }
    if judged.minutes == 0 {
        doubts.push("no settled data yet".to_owned());
    } else if !enough {
        doubts.push(format!("{:.0} requests; {} are needed to tell", judged.requests, thresholds.min_requests));
    }
    let opinion = match (bad.is_empty(), doubts.is_empty()) {
        (false, _) => Opinion::Bad,
        (true, false) => Opinion::Unsure,
        (true, true) => Opinion::Good,
    };
    bad.extend(doubts);
    Verdict { opinion, reasons: bad, judged, baseline }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(requests: f64, errors: f64, p95: f64) -> Numbers {
        Numbers {
            minutes: 5,
            requests,
            errors,
            error_percent: Some(errors / requests * 100.0),
            error_between: interval(errors, requests),
            p50: None,
            p95: Some(p95),
            p99: None,
        }
    }

    #[test]
    fn verdicts() {
        let t = Thresholds::default();
        let stable = numbers(50_000.0, 50.0, 100.0);
        let table = [
            ("healthy", numbers(600.0, 1.0, 110.0), Opinion::Good),
            ("plainly failing", numbers(600.0, 40.0, 110.0), Opinion::Bad),
            ("two of a hundred and twenty may be chance", numbers(120.0, 2.0, 110.0), Opinion::Unsure),
            ("too few to tell", numbers(20.0, 0.0, 100.0), Opinion::Unsure),
            ("few, yet beyond doubt", numbers(20.0, 15.0, 100.0), Opinion::Bad),
            ("slow", numbers(600.0, 0.0, 151.0), Opinion::Bad),
            ("slow on too few requests", numbers(60.0, 0.0, 900.0), Opinion::Unsure),
            ("nothing at all", Numbers::default(), Opinion::Unsure),
        ];
        for (name, canary, opinion) in table {
            let verdict = judge(canary, Some(stable), &t);
            assert_eq!(verdict.opinion, opinion, "{name}: {verdict:?}");
            assert_eq!(verdict.reasons.is_empty(), opinion == Opinion::Good, "{name}");
        }
    }

    #[test]
    fn the_interval_is_the_exact_one() {
        // The rule of three: no error among n leaves up to about 3.7/n at 97.5 %.
        let (low, high) = interval(0.0, 100.0).unwrap();
        assert!(low == 0.0 && (3.6..3.7).contains(&high), "{high}");
        let (low, high) = interval(10.0, 100.0).unwrap();
        assert!((4.8..5.0).contains(&low) && (17.5..17.7).contains(&high), "{low} {high}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_rate_lies_in_its_interval(requests in 1u32..100_000, part in 0.0f64..=1.0) {
            let requests = f64::from(requests);
            let errors = (requests * part).round();
            let (low, high) = interval(errors, requests).unwrap();
            let rate = errors / requests * 100.0;
            prop_assert!(low <= rate + 1e-6 && rate <= high + 1e-6 && low >= 0.0 && high <= 100.0);
        }

        #[test]
        fn without_requests_nothing_is_ever_good(errors in 0.0f64..10.0) {
            let nothing = Numbers { errors, ..Numbers::default() };
            prop_assert_ne!(judge(nothing, None, &Thresholds::default()).opinion, Opinion::Good);
        }
    }
}
