//! The simulation's clock: real time multiplied by a speed, or a time that a test sets.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// Maps real time to simulated time. Clones share one clock.
#[derive(Debug, Clone)]
pub struct SimClock(Arc<Kind>);

#[derive(Debug)]
enum Kind {
    Running { start: Timestamp, since: Instant, speed: f64 },
    Manual(Mutex<Timestamp>),
}

impl SimClock {
    /// The highest speed: a simulated minute every tenth of a second.
    pub const MAX_SPEED: f64 = 600.0;

    /// Creates a clock that shows `start` now and runs `speed` simulated seconds per real second, clamped to 1 and
    /// [`Self::MAX_SPEED`].
    pub fn running(start: Timestamp, speed: f64) -> Self {
        let speed = if speed.is_finite() { speed.clamp(1.0, Self::MAX_SPEED) } else { 1.0 };
        Self(Arc::new(Kind::Running { start, since: Instant::now(), speed }))
    }

    /// Creates a clock that shows `start` until a test advances it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(Kind::Manual(Mutex::new(start))))
    }

    /// The simulated time.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Kind::Running { start, since, speed } => {
                let passed = SignedDuration::from_secs_f64(since.elapsed().as_secs_f64() * speed);
                start.saturating_add(passed).unwrap_or(*start)
            }
            Kind::Manual(now) => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a manual clock forward. A running clock ignores this.
    pub fn advance(&self, by: Duration) {
        if let Kind::Manual(now) = &*self.0 {
            let mut now = now.lock().unwrap_or_else(PoisonError::into_inner);
            *now = now.saturating_add(by).unwrap_or(*now);
        }
    }

    /// Returns true if the clock advances by itself.
    pub fn is_running(&self) -> bool {
        matches!(*self.0, Kind::Running { .. })
    }
}
