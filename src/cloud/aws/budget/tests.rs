use async_trait::async_trait;
use futures::FutureExt;
use futures::future::join_all;
use jiff::Timestamp;

use super::*;

/// The test's own time: it passes only while the head of a queue sleeps.
#[derive(Default)]
struct Jumping(Mutex<Duration>);

#[async_trait]
impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, span: Duration) {
        let until = self.elapsed() + span;
        tokio::task::yield_now().await;
        let mut now = self.0.lock().unwrap();
        *now = until.max(*now);
    }
}

fn budget() -> (Budget, Arc<Jumping>) {
    let clock = Arc::new(Jumping::default());
    (Budget::new(STEADY, clock.clone()), clock)
}

/// The time at which a read may be sent.
async fn read((budget, clock): &(Budget, Arc<Jumping>), urgency: Urgency) -> Duration {
    budget.admit(Operation::DescribeRules, urgency, Spending::Steady).await;
    clock.elapsed()
}

#[tokio::test]
async fn reads_wait_and_acts_do_not() {
    let budget = budget();
    let reads = join_all((0..43).map(|_| read(&budget, Urgency::Rest))).await;
    assert_eq!(reads.iter().filter(|waited| waited.is_zero()).count(), 13, "a third of 40");
    let last = reads.iter().max().unwrap().as_secs_f64();
    assert!((8.9..9.2).contains(&last), "30 more at 3.3 a second: {last}");
    let before = budget.1.elapsed();
    for _ in 0..20 {
        assert_eq!(read(&budget, Urgency::Act).await, before);
        budget.0.admit(Operation::ModifyRule, Urgency::Act, Spending::Steady).await;
    }
    let waited = read(&budget, Urgency::Rest).await - before;
    assert!(waited >= Duration::from_millis(250), "what acts spend is spent: {waited:?}");
}

#[tokio::test]
async fn the_most_urgent_read_goes_first_and_one_that_is_given_up_holds_nobody_up() {
    let budget = budget();
    while read(&budget, Urgency::Rest).now_or_never().is_some() {}
    let order = Mutex::new(Vec::new());
    let one = |name: &'static str, urgency| {
        let (budget, order) = (&budget, &order);
        async move {
            read(budget, urgency).await;
            order.lock().unwrap().push(name);
        }
    };
    let mut given_up = Box::pin(one("given up", Urgency::Watched));
    assert!((&mut given_up).now_or_never().is_none());
    drop(given_up);
    tokio::join!(
        one("a", Urgency::Rest),
        one("b", Urgency::Rest),
        one("on screen", Urgency::Watched),
        one("another", Urgency::Watched)
    );
    assert_eq!(*order.lock().unwrap(), ["on screen", "another", "a", "b"]);
}

#[tokio::test]
async fn buckets_are_apart_and_what_has_no_quota_never_waits() {
    let budget = budget();
    while read(&budget, Urgency::Rest).now_or_never().is_some() {}
    let free = [Operation::DescribeServices, Operation::DescribeAlarms, Operation::GetCallerIdentity];
    for operation in free {
        assert!(budget.0.admit(operation, Urgency::Rest, Spending::Steady).now_or_never().is_some(), "{operation}");
    }
    for _ in 0..1_000 {
        let identity = budget.0.admit(Operation::GetCallerIdentity, Urgency::Rest, Spending::Steady);
        assert!(identity.now_or_never().is_some());
    }
    let rules = |spending| budget.0.admit(Operation::DescribeRules, Urgency::Rest, spending).now_or_never();
    assert!(rules(Spending::Steady).is_none());
    assert!(rules(Spending::Once).is_some(), "a first look may spend more");
}

#[tokio::test]
async fn a_throttled_call_makes_the_next_ones_wait() {
    let budget = budget();
    assert_eq!(read(&budget, Urgency::Rest).await, Duration::ZERO);
    budget.0.throttled(Operation::DescribeRules);
    let waited = read(&budget, Urgency::Rest).await;
    assert!(waited >= Duration::from_millis(550), "{waited:?}");
    assert!(
        Budget::unlimited().admit(Operation::DescribeRules, Urgency::Rest, Spending::Steady).now_or_never().is_some()
    );
}
