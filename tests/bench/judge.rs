//! The error rates of the judge and its time to a verdict, on simulated releases, compared with simpler rules.
//!
//! `cargo bench --bench judge --profile dev` prints the table, and `-- --write` writes it into the documentation
//! (`judge.md`). `-- --check` fails if the rate of false alarms is above the configured one, or if the written table
//! differs. All random numbers are seeded: the table is the same on every machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Binomial, Distribution, Normal, Poisson};
use tidegate::domain::analysis;
use tidegate::domain::analysis::error_rate_test;
use tidegate::domain::analysis::error_rate_test::Count;
use tidegate::domain::analysis::{Case, Observed, VerdictStatus, latency_test};
use tidegate::domain::settings::Thresholds;

const BAKE: SignedDuration = SignedDuration::from_mins(10);

/// The true properties of a release's two sides.
#[derive(Clone, Copy)]
struct Truth {
    /// Requests a minute, of both sides together.
    requests: f64,
    /// The canary's share of the requests, a fraction.
    share: f64,
    /// Stable's errors over requests, a fraction.
    errors: f64,
    /// The canary's error rate over stable's.
    errors_times: f64,
    /// Variation of latency between minutes (the σ of its logarithm), common to both sides: a busy minute is busy for
    /// both.
    wander: f64,
    /// Spread of latencies within a minute (the σ of their logarithm).
    spread: f64,
    /// The canary's latency over stable's.
    slower: f64,
}

/// A random release without a fault: quiet or busy, with or without errors.
fn faultless(random: &mut ChaCha8Rng) -> Truth {
    let among = |random: &mut ChaCha8Rng, of: &[f64]| of[random.random_range(0..of.len())];
    Truth {
        requests: 10f64.powf(random.random_range(2.0..5.0)),
        share: among(random, &[0.01, 0.05, 0.1, 0.25, 0.5]),
        errors: among(random, &[0.0, 0.0001, 0.001, 0.005, 0.02, 0.04]),
        errors_times: 1.0,
        wander: among(random, &[0.0, 0.1, 0.3]),
        spread: among(random, &[0.2, 0.5, 1.0]),
        slower: 1.0,
    }
}

fn some(random: &mut ChaCha8Rng, requests: f64, rate: f64) -> f64 {
    if rate <= 0.0 { 0.0 } else { Binomial::new(requests as u64, rate).unwrap().sample(random) as f64 }
}

/// The p95 of `requests` log-normal latencies, drawn as an order statistic, so that no single latency need be drawn.
fn p95(random: &mut ChaCha8Rng, requests: f64, middle: f64, spread: f64) -> Option<f64> {
    use statrs_normal::quantile;
    if requests < 1.0 {
        return None;
    }
    let rank = (0.95 * requests).ceil();
    let at = Beta::new(rank, requests - rank + 1.0).unwrap().sample(random);
    Some(middle * (spread * quantile(at)).exp())
}

mod statrs_normal {
    use statrs::distribution::{ContinuousCDF, Normal};

    pub(crate) fn quantile(p: f64) -> f64 {
        Normal::standard().inverse_cdf(p.clamp(1e-12, 1.0 - 1e-12))
    }
}

/// Simulates one minute of both sides.
fn minute(random: &mut ChaCha8Rng, truth: &Truth, number: i64) -> (Observed, Observed) {
    let at = Timestamp::from_second(1_700_000_040 + number * 60).unwrap();
    let middle = 100.0 * (truth.wander * Normal::new(0.0, 1.0).unwrap().sample(random)).exp();
    let mut side = |share: f64, rate: f64, slower: f64| {
        let requests = Poisson::new(truth.requests * share).unwrap().sample(random);
        let errors = some(random, requests, rate);
        let p95 = p95(random, requests, middle * slower, truth.spread);
        // CloudWatch has no point for a minute without requests.
        let known = (requests > 0.0).then_some(requests);
        Observed { at, requests: known, errors: known.map(|_| errors), p50: None, p95, p99: None }
    };
    let canary = side(truth.share, truth.errors * truth.errors_times, truth.slower);
    (canary, side(1.0 - truth.share, truth.errors, 1.0))
}

/// A rule that decides, minute by minute, whether a canary fails.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// tidegate's rule, with its default thresholds.
    Judge,
    /// tidegate's rule without the minimum ratios: the statistics alone.
    Statistics,
    /// A total error rate above 1 % on at least 100 requests, or this minute's p95 above 1.5 times stable's.
    Fixed,
    /// The judge's tests, each at 1 % at each minute, as if each minute were the only look.
    EachLook,
}

const RULES: [(Rule, &str); 4] = [
    (Rule::Judge, "tidegate"),
    (Rule::Statistics, "its statistics alone, any difference"),
    (Rule::EachLook, "the same tests, 1 % at each look"),
    (Rule::Fixed, "fixed lines: 1 % errors, 1.5× p95"),
];

fn fails(rule: Rule, canary: &[Observed], stable: &[Observed]) -> bool {
    let total = |side: &[Observed]| {
        let known = side.iter().filter_map(Observed::count);
        let (requests, errors) = known.fold((0.0, 0.0), |sum, count| (sum.0 + count.requests, sum.1 + count.errors));
        Count::new(requests, errors)
    };
    let times = |side: &[Observed]| side.iter().filter_map(|minute| minute.p95).collect::<Vec<_>>();
    match rule {
        Rule::Judge | Rule::Statistics => {
            let any =
                Thresholds { error_ratio: 1.0, error_ratio_critical: 1.0, p95_ratio: 1.0, ..Thresholds::default() };
            let thresholds = if rule == Rule::Judge { Thresholds::default() } else { any };
            analysis::fails(&Case::recorded(canary, stable, BAKE, &thresholds))
        }
        Rule::Fixed => {
            let count = total(canary);
            let slow = || Some(canary.last()?.p95? > 1.5 * stable.last()?.p95?);
            count.requests >= 100.0 && (count.rate() > 0.01 || slow() == Some(true))
        }
        Rule::EachLook => {
            let (c, s) = (total(canary), total(stable));
            let slower =
                || latency_test::compare(&times(canary), &times(stable)).is_some_and(|ranks| ranks.p_above <= 0.01);
            error_rate_test::worse(c, s) <= 0.01 || error_rate_test::above_line(c, 0.05) <= 0.01 || slower()
        }
    }
}

/// The minute and the requests at which each rule failed a release.
fn watched(
    seed: u64,
    truth: impl Fn(&mut ChaCha8Rng) -> Truth,
    minutes: i64,
    rules: &[Rule],
) -> Vec<Option<(u32, f64)>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let truth = truth(&mut random);
    let (mut canary, mut stable) = (Vec::new(), Vec::new());
    let mut failed = vec![None; rules.len()];
    for number in 0..minutes {
        let (c, s) = minute(&mut random, &truth, number);
        canary.push(c);
        stable.push(s);
        for (rule, failed) in rules.iter().zip(&mut failed) {
            if failed.is_none() && fails(*rule, &canary, &stable) {
                let requests = canary.iter().filter_map(|minute| minute.requests).sum();
                *failed = Some((number as u32 + 1, requests));
            }
        }
        if failed.iter().all(Option::is_some) {
            break;
        }
    }
    failed
}

/// The allowances that are compared, percentage points.
const ALLOWANCES: [f64; 3] = [0.5, 1.0, 1.5];

/// The minute and the requests at which a release passed, with each allowance.
fn passed(seed: u64, truth: &Truth, minutes: i64) -> Vec<Option<(u32, f64)>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut canary, mut stable) = (Vec::new(), Vec::new());
    let mut passed = vec![None; ALLOWANCES.len()];
    for number in 0..minutes {
        let (c, s) = minute(&mut random, truth, number);
        canary.push(c);
        stable.push(s);
        for (allowance, passed) in ALLOWANCES.iter().zip(&mut passed) {
            let thresholds = Thresholds { allowance: *allowance, ..Thresholds::default() };
            // A bake of ten minutes does not pass sooner.
            let look = || analysis::judge(&Case::recorded(&canary, &stable, BAKE, &thresholds));
            if passed.is_none() && number >= 9 && look().outcome == VerdictStatus::Pass {
                let requests = canary.iter().filter_map(|minute| minute.requests).sum();
                *passed = Some((number as u32 + 1, requests));
            }
        }
        if passed.iter().all(Option::is_some) {
            break;
        }
    }
    passed
}

/// The results of all releases of a kind, in the order of their seeds, computed on all processors.
fn all(releases: usize, one: impl Fn(u64) -> Vec<Option<(u32, f64)>> + Sync) -> Vec<Vec<Option<(u32, f64)>>> {
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found: Vec<(usize, _)> = std::thread::scope(|scope| {
        let worker = || {
            let mut found = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= releases {
                    return found;
                }
                found.push((seed, one(seed as u64)));
            }
        };
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    found.sort_by_key(|(seed, _)| *seed);
    found.into_iter().map(|(_, failed)| failed).collect()
}

/// The median of all releases. A release that did not fail counts as infinite.
fn median(found: &[Vec<Option<(u32, f64)>>], rule: usize, of: fn((u32, f64)) -> f64) -> Option<f64> {
    let mut values: Vec<_> = found.iter().map(|failed| failed[rule].map_or(f64::INFINITY, of)).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().filter(|value| value.is_finite())
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let parts: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).unwrap()).collect();
    parts.join(",")
}

#[expect(clippy::too_many_lines, reason = "one run, from its flags to its exit code")]
fn main() -> ExitCode {
    let asked = |flag: &str| std::env::args().any(|word| word == flag);
    // `cargo test --all-targets` runs few releases, as a smoke test.
    let of = |releases: usize| if asked("--bench") { releases } else { 4 };
    let began = std::time::Instant::now();
    let rules = RULES.map(|(rule, _)| rule);
    let mut lines = Vec::new();
    let mut say = |line: String| {
        println!("{line}");
        lines.push(line);
    };

    let releases = of(10_000);
    let sound = all(releases, |seed| watched(seed, faultless, 10, &rules));
    // A watch of one hour, on fewer releases.
    let longer = all(of(1_000), |seed| watched(1_000_000 + seed, faultless, 60, &rules));
    let share = |found: &[Vec<Option<(u32, f64)>>], rule: usize| {
        found.iter().filter(|failed| failed[rule].is_some()).count() as f64 / found.len() as f64 * 100.0
    };
    say(format!(
        "| {} releases without a fault: FAIL at any time | in the bake of 10 min | {}, in 60 min |",
        thousands(releases as f64),
        thousands(longer.len() as f64)
    ));
    say("|---|---:|---:|".to_owned());
    for (rule, (_, name)) in RULES.iter().enumerate() {
        say(format!("| {name} | {:.2} % | {:.2} % |", share(&sound, rule), share(&longer, rule)));
    }

    let good =
        Truth { requests: 3000.0, share: 0.1, errors: 0.005, errors_times: 1.0, wander: 0.1, spread: 0.5, slower: 1.0 };
    let faults = [
        ("errors 0.5 % → 1 %", Truth { errors_times: 2.0, ..good }),
        ("errors 0.5 % → 1.5 %", Truth { errors_times: 3.0, ..good }),
        ("errors 0.5 % → 5 %", Truth { errors_times: 10.0, ..good }),
        ("p95 + 50 %", Truth { slower: 1.5, ..good }),
        ("p95 + 100 %", Truth { slower: 2.0, ..good }),
    ];
    say(String::new());
    say("| the canary has 300 of 3,000 requests a minute | rule | FAIL within 60 min | median requests | median minutes |".to_owned());
    say("|---|---|---:|---:|---:|".to_owned());
    for (kind, (what, truth)) in faults.iter().enumerate() {
        let rules = [Rule::Judge, Rule::EachLook, Rule::Fixed];
        let found = all(of(200), |seed| watched(2_000_000 + 10_000 * kind as u64 + seed, |_| *truth, 60, &rules));
        for (rule, wanted) in rules.iter().enumerate() {
            let name = RULES.iter().find(|(rule, _)| rule == wanted).map_or("", |(_, name)| *name);
            let middle = |of: fn((u32, f64)) -> f64| median(&found, rule, of).map_or("–".to_owned(), thousands);
            let (requests, minutes) = (middle(|(_, requests)| requests), middle(|(minute, _)| f64::from(minute)));
            say(format!("| {what} | {name} | {:.0} % | {requests} | {minutes} |", share(&found, rule)));
        }
    }
    say(String::new());
    say("| a canary as good as stable has 30 of 3,000 requests a minute | allowance | PASS within 4 h | median requests | median minutes |".to_owned());
    say("|---|---|---:|---:|---:|".to_owned());
    for (kind, errors) in [0.0005, 0.002, 0.005].into_iter().enumerate() {
        let truth = Truth { share: 0.01, errors, ..good };
        let found = all(of(200), |seed| passed(3_000_000 + 10_000 * kind as u64 + seed, &truth, 240));
        for (place, allowance) in ALLOWANCES.iter().enumerate() {
            let middle = |of: fn((u32, f64)) -> f64| median(&found, place, of).map_or("–".to_owned(), thousands);
            let (requests, minutes) = (middle(|(_, requests)| requests), middle(|(minute, _)| f64::from(minute)));
            let (percent, share) = (errors * 100.0, share(&found, place));
            say(format!("| errors {percent} % | {allowance} points | {share:.0} % | {requests} | {minutes} |"));
        }
    }
    println!("\n{:.1} s", began.elapsed().as_secs_f64());

    let configured = Thresholds::default().false_alarms;
    let table = lines.join("\n") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/judge.md");
    if asked("--write") {
        std::fs::write(path, &table).unwrap();
    }
    let over: Vec<_> = (0..2)
        .flat_map(|rule| [share(&sound, rule), share(&longer, rule)])
        .filter(|share| *share > configured)
        .collect();
    let written = std::fs::read_to_string(path).is_ok_and(|written| written == table);
    if asked("--check") && !over.is_empty() {
        println!("more than the configured {configured} % failed without a fault: {over:?}");
        return ExitCode::FAILURE;
    }
    if asked("--check") && !written {
        println!("tests/bench/judge.md is not this table; --write puts it there");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
