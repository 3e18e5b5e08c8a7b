//! A seeded source of AWS resource ids.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Draws ids and durations from one seeded random number generator.
#[derive(Debug)]
pub(crate) struct Ids {
    rng: ChaCha8Rng,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Hexadecimal digits: task ids (32), target group ids (16), network interface ids (17).
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        self.pick(digits, b"0123456789abcdef")
    }

    /// Letters and digits: service deployment ids (21).
    pub(crate) fn alnum(&mut self, digits: usize) -> String {
        self.pick(digits, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    }

    /// Nineteen digits: `ecs-svc/…` and service revisions.
    pub(crate) fn number(&mut self) -> u64 {
        self.rng.random_range(1_000_000_000_000_000_000..9_000_000_000_000_000_000)
    }

    /// `8-4-4-4-12` digits: events, containers, attachments.
    pub(crate) fn uuid(&mut self) -> String {
        let parts = [8, 4, 4, 4, 12].map(|n| self.hex(n));
        parts.join("-")
    }

    /// A duration that differs from `ms` by at most a fifth.
    pub(crate) fn jitter(&mut self, ms: i64) -> i64 {
        let spread = ms / 5;
        if spread <= 0 { ms } else { ms + self.rng.random_range(-spread..=spread) }
    }

    fn pick(&mut self, digits: usize, alphabet: &[u8]) -> String {
        let pick = |rng: &mut ChaCha8Rng| alphabet.get(rng.random_range(0..alphabet.len())).copied().unwrap_or(b'0');
        (0..digits).map(|_| char::from(pick(&mut self.rng))).collect()
    }
}
