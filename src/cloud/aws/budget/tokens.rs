//! The part of a quota that tidegate may still spend. Pure: every time is an argument.

use std::time::Duration;

use super::quota::Quota;

/// The part of a quota that a read may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spending {
    /// Steady polling: the share of the settings, a third by default.
    Steady,
    /// A command, or the console's first look: four fifths.
    Once,
}

/// The share (0–1) of a quota that a command or a first look may spend.
pub(crate) const ONCE: f64 = 0.8;

/// The smallest part (0–1) of its rate that a bucket falls to, however often AWS throttles.
const LEAST: f64 = 0.125;

/// Time without a throttled call after which a lowered rate doubles.
const DOUBLES_AFTER: f64 = 20.0;

/// The tokens of one quota. Times are those of AWS's clock since a fixed moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tokens {
    quota: Quota,
    /// The share (0–1) of steady polling.
    steady_share: f64,
    steady: f64,
    once: f64,
    at: Duration,
    /// The time of the last throttled call, and the part (0–1) of the rate that it left.
    throttled: Option<(Duration, f64)>,
}

impl Tokens {
    /// Full buckets.
    pub(crate) fn full(quota: Quota, steady_share: f64, at: Duration) -> Self {
        let mut tokens = Self { quota, steady_share, steady: 0.0, once: 0.0, at, throttled: None };
        (tokens.steady, tokens.once) = (tokens.most(Spending::Steady), tokens.most(Spending::Once));
        tokens
    }

    fn share(&self, spending: Spending) -> f64 {
        match spending {
            Spending::Steady => self.steady_share,
            Spending::Once => ONCE,
        }
    }

    /// The most tokens at once. Every bucket lets one call pass.
    fn most(&self, spending: Spending) -> f64 {
        (self.quota.burst * self.share(spending)).max(1.0)
    }

    /// Tokens that are added in a second.
    fn rate(&self, spending: Spending, now: Duration) -> f64 {
        self.quota.per_second * self.share(spending) * self.slowed(now)
    }

    /// The part (0–1) of the rate that AWS's throttling leaves: it doubles with every quiet span.
    fn slowed(&self, now: Duration) -> f64 {
        self.throttled.map_or(1.0, |(at, left)| {
            let quiet = now.saturating_sub(at).as_secs_f64();
            (left * (quiet / DOUBLES_AFTER).exp2()).min(1.0)
        })
    }

    fn refill(&mut self, now: Duration) {
        let seconds = now.saturating_sub(self.at).as_secs_f64();
        let filled = |level: f64, spending| (level + seconds * self.rate(spending, now)).min(self.most(spending));
        (self.steady, self.once) = (filled(self.steady, Spending::Steady), filled(self.once, Spending::Once));
        self.at = self.at.max(now);
    }

    /// The time until a read may be sent; zero if it may be sent now.
    pub(crate) fn wait(&mut self, spending: Spending, now: Duration) -> Duration {
        self.refill(now);
        let level = match spending {
            Spending::Steady => self.steady,
            Spending::Once => self.once,
        };
        let missing = 1.0 - level;
        if missing <= 1e-9 {
            return Duration::ZERO;
        }
        // A share of the settings is never zero, so the rate is not either.
        Duration::try_from_secs_f64(missing / self.rate(spending, now)).unwrap_or(Duration::MAX)
    }

    /// Takes a call from the quota. An act is taken too, although it waits for nothing.
    pub(crate) fn spend(&mut self, now: Duration) {
        self.refill(now);
        self.steady = (self.steady - 1.0).max(0.0);
        self.once = (self.once - 1.0).max(0.0);
    }

    /// AWS throttled a call: others use the quota too, so the rate is halved and nothing is left of the burst.
    pub(crate) fn throttle(&mut self, now: Duration) {
        self.refill(now);
        self.throttled = Some((now, (self.slowed(now) / 2.0).max(LEAST)));
        (self.steady, self.once) = (0.0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strum::IntoEnumIterator;

    use super::super::quota::Bucket;
    use super::*;

    const THIRD: f64 = 1.0 / 3.0;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// Sends as many calls as the budget lets pass until `end`, and returns their times.
    fn sent(tokens: &mut Tokens, spending: Spending, from: f64, end: f64) -> Vec<f64> {
        let (mut now, mut times) = (seconds(from), Vec::new());
        loop {
            let wait = tokens.wait(spending, now);
            now += wait;
            if now >= seconds(end) {
                return times;
            }
            if wait.is_zero() {
                tokens.spend(now);
                times.push(now.as_secs_f64());
            } else {
                now += Duration::from_nanos(10);
            }
        }
    }

    #[test]
    fn a_first_look_spends_four_fifths_and_polling_a_third() {
        let full = || Tokens::full(Bucket::Services.quota(), THIRD, Duration::ZERO);
        // 80 at once and 16 a second, 33 at once and 6.7 a second.
        assert_eq!(sent(&mut full(), Spending::Once, 0.0, 10.0).len(), 80 + 160 - 1);
        assert_eq!(sent(&mut full(), Spending::Steady, 0.0, 10.0).len(), 33 + 66);
        let sweep = sent(&mut full(), Spending::Once, 0.0, 60.0);
        assert!((8.7..8.8).contains(&sweep[219]), "2,000 services are 220 calls: {}", sweep[219]);
    }

    #[test]
    fn a_throttled_call_lowers_the_rate_for_a_while() {
        let mut tokens = Tokens::full(Bucket::BalancerReads.quota(), THIRD, Duration::ZERO);
        let usual = sent(&mut tokens, Spending::Steady, 100.0, 110.0).len();
        tokens.throttle(seconds(110.0));
        let lowered = sent(&mut tokens, Spending::Steady, 110.0, 120.0).len();
        assert!(lowered * 2 <= usual, "{lowered} {usual}");
        for at in 0..100 {
            tokens.throttle(seconds(120.0 + f64::from(at)));
        }
        let least = sent(&mut tokens, Spending::Steady, 219.0, 249.0).len();
        assert!((5..30).contains(&least), "it goes on, slowly: {least}");
        let again = sent(&mut tokens, Spending::Steady, 400.0, 410.0).len();
        assert_eq!(again, usual, "and is what it was once AWS is quiet");
    }

    proptest! {
        /// Two consoles together stay within AWS's quota, whatever they ask for and when, and acts have a reserve.
        #[test]
        fn two_consoles_stay_within_the_quota(bucket in 0usize..12, gaps in prop::collection::vec(0.0f64..3.0, 1..200)) {
            let quota = Bucket::iter().nth(bucket).unwrap().quota();
            let mut consoles = [0, 1].map(|_| Tokens::full(quota, THIRD, Duration::ZERO));
            let (mut now, mut level) = (0.0, quota.burst);
            for gap in gaps {
                now += gap;
                level = (level + gap * quota.per_second).min(quota.burst);
                for tokens in &mut consoles {
                    while tokens.wait(Spending::Steady, seconds(now)).is_zero() {
                        tokens.spend(seconds(now));
                        level -= 1.0;
                    }
                }
                prop_assert!(level >= quota.burst / 4.0 - 1.0, "{level} of {quota:?}");
            }
        }

        /// Every wait ends, whatever polls and a first look have spent.
        #[test]
        fn every_wait_ends(
            bucket in 0usize..12,
            share in 0.01f64..0.8,
            steps in prop::collection::vec((0.0f64..5.0, 0u8..3), 1..100),
        ) {
            let mut tokens = Tokens::full(Bucket::iter().nth(bucket).unwrap().quota(), share, Duration::ZERO);
            let mut now = 0.0;
            for (gap, step) in steps {
                now += gap;
                match step {
                    0 => tokens.spend(seconds(now)),
                    1 => tokens.throttle(seconds(now)),
                    _ => {}
                }
                for spending in [Spending::Steady, Spending::Once] {
                    let wait = tokens.wait(spending, seconds(now));
                    prop_assert!(wait <= seconds(1.0 / (3.0 * share.min(ONCE) * LEAST) + 1.0), "{wait:?}");
                    let later = seconds(now) + wait + Duration::from_micros(1);
                    prop_assert!(tokens.clone().wait(spending, later).is_zero());
                }
            }
        }
    }
}
