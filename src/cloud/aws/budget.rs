//! The budget of requests: one for an account and region, shared by everything that calls AWS from here.
//!
//! AWS's quotas belong to an account, and ECS's own deployments spend the same ones. So every read first takes a token
//! of its operation's bucket, and waits for one. Within a bucket the most urgent read goes first. An act, and what is
//! read around it, takes its token and never waits: reads leave a fifth of every quota to it.
//!
//! A crate such as `governor` has neither an order among those that wait nor a rate that AWS's answers change.

mod quota;
mod tokens;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::operation::Operation;
use crate::clock::{Clock, SystemClock};

use self::quota::Bucket;
use self::tokens::Tokens;
pub(crate) use self::tokens::{ONCE, Spending};

/// The share of a quota that steady polling spends by default, percent.
pub(crate) const STEADY_PERCENT: f64 = 33.0;
/// The same share, 0–1.
const STEADY: f64 = STEADY_PERCENT / 100.0;

/// The urgency of a call, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// A write, or a read around one: waits for nothing.
    Act,
    /// A read about something that is on screen or in flight.
    Watched,
    /// A read about everything.
    Rest,
}

/// The requests that may be sent to an account and region. Clones share one budget.
#[derive(Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    /// False if nothing ever waits.
    limited: bool,
    steady: f64,
    state: Mutex<State>,
    /// Somebody left a queue, so somebody else may be its head.
    changed: Notify,
}

#[derive(Default)]
struct State {
    tokens: HashMap<Bucket, Tokens>,
    /// The waiting calls, by the bucket that has their queue: the most urgent first, then in the order of arrival.
    queues: HashMap<Bucket, BTreeSet<(Urgency, u64)>>,
    arrivals: u64,
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("limited", &self.0.limited)
            .field("steady", &self.0.steady)
            .finish_non_exhaustive()
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(STEADY, Arc::new(SystemClock::default()))
    }
}

impl Budget {
    /// A budget that gives steady polling a share (0–0.8) of each quota. `clock` is the operator's and AWS's.
    pub fn new(steady: f64, clock: Arc<dyn Clock>) -> Self {
        let steady = if steady.is_finite() { steady.clamp(0.01, ONCE) } else { STEADY };
        Self(Arc::new(Inner { clock, limited: true, steady, state: Mutex::default(), changed: Notify::new() }))
    }

    /// No budget: nothing waits.
    pub fn unlimited() -> Self {
        let clock = Arc::new(SystemClock::default());
        let (state, changed) = (Mutex::default(), Notify::new());
        Self(Arc::new(Inner { clock, limited: false, steady: STEADY, state, changed }))
    }

    /// The operator's time since a fixed moment.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.clock.elapsed()
    }

    /// Returns once a call of the operation may be sent, and takes the call from the budget.
    pub(crate) async fn admit(&self, operation: Operation, urgency: Urgency, spending: Spending) {
        let (inner, buckets) = (&*self.0, Bucket::of(operation));
        let Some(queue) = buckets.first().copied().filter(|_| inner.limited) else { return };
        if urgency == Urgency::Act {
            return inner.spend(buckets);
        }
        let place = Place::at_the_end(inner, queue, urgency);
        loop {
            let changed = inner.changed.notified();
            match inner.turn(&place, buckets, spending) {
                Turn::Now => return,
                Turn::After(span) => {
                    // Somebody more urgent may come meanwhile: who is first is found out again afterwards.
                    tokio::select! {
                        () = inner.clock.sleep(span) => {}
                        () = changed => {}
                    }
                }
                Turn::Behind => changed.await,
            }
        }
    }

    /// AWS throttled a call of the operation.
    pub(crate) fn throttled(&self, operation: Operation) {
        let inner = &self.0;
        let now = inner.now();
        let mut state = inner.state();
        for bucket in Bucket::of(operation) {
            state.tokens(*bucket, inner.steady, now).throttle(now);
        }
    }
}

/// The turn of a waiting call.
enum Turn {
    Now,
    After(Duration),
    Behind,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// AWS's time since a fixed moment.
    fn now(&self) -> Duration {
        self.clock.elapsed().mul_f64(self.clock.rate().get())
    }

    fn spend(&self, buckets: &[Bucket]) {
        let now = self.now();
        let mut state = self.state();
        for bucket in buckets {
            state.tokens(*bucket, self.steady, now).spend(now);
        }
    }

    fn turn(&self, place: &Place<'_>, buckets: &[Bucket], spending: Spending) -> Turn {
        let now = self.now();
        let mut state = self.state();
        let first = state.queues.get(&place.queue).and_then(BTreeSet::first);
        if first != Some(&place.number) {
            return Turn::Behind;
        }
        let waits = buckets.iter().map(|bucket| state.tokens(*bucket, self.steady, now).wait(spending, now));
        let wait = waits.max().unwrap_or_default();
        if wait.is_zero() {
            for bucket in buckets {
                state.tokens(*bucket, self.steady, now).spend(now);
            }
            return Turn::Now;
        }
        // Timers are as fine as a millisecond.
        Turn::After(wait.div_f64(self.clock.rate().get()).max(Duration::from_millis(1)))
    }
}

impl State {
    fn tokens(&mut self, bucket: Bucket, steady: f64, now: Duration) -> &mut Tokens {
        self.tokens.entry(bucket).or_insert_with(|| Tokens::full(bucket.quota(), steady, now))
    }
}

/// A place in a queue, which is given up when dropped: a read that is given up on keeps nobody waiting.
struct Place<'a> {
    inner: &'a Inner,
    queue: Bucket,
    number: (Urgency, u64),
}

impl<'a> Place<'a> {
    fn at_the_end(inner: &'a Inner, queue: Bucket, urgency: Urgency) -> Self {
        let mut state = inner.state();
        state.arrivals += 1;
        let number = (urgency, state.arrivals);
        state.queues.entry(queue).or_default().insert(number);
        Self { inner, queue, number }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(queue) = self.inner.state().queues.get_mut(&self.queue) {
            queue.remove(&self.number);
        }
        self.inner.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
