//! Evidence that may be looked at as often as one likes.
//!
//! An *e-process* is a bet against a null hypothesis, at fair odds, that begins with a stake of 1. Where the hypothesis
//! is true, the stake is not expected to grow, whenever one looks and whenever one stops. So it ever reaches 1/α with
//! probability α at most (Ville's inequality). α is spent once, and not once for each look: ten looks and ten thousand
//! cost the same. (Ramdas, Grünwald, Vovk and Shafer, *Game-theoretic statistics and safe anytime-valid inference*,
//! 2023.)
//!
//! Each minute multiplies the stake by a likelihood ratio: how much more likely the minute's errors are under an
//! alternative than under the hypothesis. Nobody knows the true alternative, so the stake is divided among several
//! ([`Alternative`]). Nobody knows either when a canary began to be bad, so the stake is divided among starting points
//! too ([`starts`]). A part whose start is still to come keeps its value.

use super::counts::Pair;

/// An alternative to the null hypothesis, and its part of the stake.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alternative {
    /// The factor between the alternative's rate and the hypothesis' rate.
    pub times: f64,
    /// The part of the stake; the parts of all alternatives add up to 1.
    pub weight: f64,
}

/// The alternatives. Twice the errors is what most thresholds ask for; a canary may be worse by far.
const ALTERNATIVES: [Alternative; 8] = [
    Alternative { times: 1.25, weight: 0.03 },
    Alternative { times: 1.5, weight: 0.12 },
    Alternative { times: 2.0, weight: 0.45 },
    Alternative { times: 3.0, weight: 0.25 },
    Alternative { times: 5.0, weight: 0.08 },
    Alternative { times: 10.0, weight: 0.05 },
    Alternative { times: 30.0, weight: 0.015 },
    Alternative { times: 100.0, weight: 0.005 },
];

/// Part of the stake that begins with the first minute.
const AT_FIRST: f64 = 0.75;
/// Part for the first minute of each share: a canary may fail only under more traffic.
const AT_A_SHARE: f64 = 0.2;
/// Part for every minute.
const AT_A_MINUTE: f64 = 0.05;

/// The part of the stake that begins with each minute. The parts add up to at most 1, however many minutes there are.
/// They depend on requests alone, never on errors.
pub(super) fn starts(minutes: &[Pair]) -> Vec<f64> {
    let share_of = |number: f64| AT_A_SHARE / (number * (number + 1.0));
    let mut shares = 0.0;
    let mut segment = Segment::default();
    let minute = |(number, pair): (usize, &Pair)| {
        let number = number as f64 + 1.0;
        let first = if number == 1.0 { AT_FIRST } else { 0.0 };
        let share = if segment.begins_anew(*pair) {
            shares += 1.0;
            share_of(shares)
        } else {
            0.0
        };
        first + share + AT_A_MINUTE / (number * (number + 1.0))
    };
    minutes.iter().enumerate().map(minute).collect()
}

/// Minutes in which the canary had one share.
#[derive(Debug, Default)]
struct Segment {
    canary: f64,
    stable: f64,
}

impl Segment {
    /// Adds a minute. Returns true if the canary's share differs from the segment's, by more than noise.
    fn begins_anew(&mut self, pair: Pair) -> bool {
        /// Odds within this factor are one share.
        const FACTOR: f64 = 1.5;
        const DEVIATIONS: f64 = 4.0;
        let (canary, stable) = (pair.canary.requests, pair.stable.requests);
        let noise = |canary: f64, stable: f64| 1.0 / canary.max(1.0) + 1.0 / stable.max(1.0);
        let odds = |canary: f64, stable: f64| (canary.max(0.5) / stable.max(0.5)).ln();
        let apart = (odds(canary, stable) - odds(self.canary, self.stable)).abs();
        let spread = (noise(canary, stable) + noise(self.canary, self.stable)).sqrt();
        let anew = self.canary + self.stable <= 0.0 || apart > FACTOR.ln() + DEVIATIONS * spread;
        if anew {
            *self = Self::default();
        }
        (self.canary, self.stable) = (self.canary + canary, self.stable + stable);
        anew
    }
}

/// Evidence beyond this is beyond all doubt.
pub(super) const MOST_EVIDENCE: f64 = 1e15;

/// The evidence of some minutes against a hypothesis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Evidence {
    /// The natural logarithm of the stake after the last minute.
    pub log: f64,
    /// The same, at its highest.
    pub highest: f64,
    /// The place of the start that won most, if the stake ever was as high as needed: the last time counts.
    pub decided_from: Option<usize>,
}

/// The stake after each of the minutes. `ratio` gives the logarithm of the likelihood ratio of a minute, by its place,
/// for an alternative. `needed`: the stake that decides.
pub(super) fn evidence(starts: &[f64], needed: f64, ratio: impl Fn(usize, &Alternative) -> f64) -> Evidence {
    let mut found = Evidence { log: 0.0, highest: 0.0, decided_from: None };
    let mut parts = [Part::default(); ALTERNATIVES.len()];
    let mut left = 1.0f64;
    for (place, start) in starts.iter().enumerate() {
        left = (left - start).max(0.0);
        found.log = left.ln();
        let start = start.ln();
        for (part, alternative) in parts.iter_mut().zip(&ALTERNATIVES) {
            part.add(place, start, ratio(place, alternative));
            found.log = ln_sum(found.log, alternative.weight.ln() + part.log);
        }
        found.highest = found.highest.max(found.log);
        if found.log >= needed.ln() {
            let best = |(part, it): &(&Part, &Alternative)| part.best + it.weight.ln();
            let best = parts.iter().zip(&ALTERNATIVES).max_by(|a, b| best(a).total_cmp(&best(b)));
            found.decided_from = best.map(|(part, _)| part.from);
        }
    }
    found
}

/// The stake on one alternative.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// The natural logarithm of the stake.
    log: f64,
    /// The same, of the start that won most.
    best: f64,
    /// The place of that start.
    from: usize,
}

impl Default for Part {
    fn default() -> Self {
        Self { log: f64::NEG_INFINITY, best: f64::NEG_INFINITY, from: 0 }
    }
}

impl Part {
    fn add(&mut self, place: usize, start: f64, ratio: f64) {
        self.log = ln_sum(self.log, start) + ratio;
        if start > self.best {
            (self.best, self.from) = (start, place);
        }
        self.best += ratio;
    }
}

/// The logarithm of the stake if every part began with the first minute. `ratio` gives the logarithm of the likelihood
/// ratio of all minutes, for an alternative.
pub(super) fn mixture(ratio: impl Fn(&Alternative) -> f64) -> f64 {
    ALTERNATIVES.iter().map(|it| it.weight.ln() + ratio(it)).fold(f64::NEG_INFINITY, ln_sum)
}

/// The growth of the alternative that wins most, by the logarithm of its likelihood ratio in an expected minute.
pub(super) fn fastest_growth(ratio: impl Fn(&Alternative) -> f64) -> f64 {
    ALTERNATIVES.iter().map(ratio).fold(f64::NEG_INFINITY, f64::max)
}

/// The logarithm of the sum of two numbers that are given by their logarithms.
fn ln_sum(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if high == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}
