//! Executes a plan: waits, sends each call once, reads the result back. Every decision is in the plan.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, SystemClock};
use crate::cloud::Cloud;
use crate::domain::fault::{Applied, Fault, FaultKind};
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::operation::{OperationOutcome, Progress};
use crate::domain::plan::{Call, Expect, Met, Plan, Step};

/// The pace of an execution, and its clock.
#[derive(Clone)]
pub struct Options {
    /// Maximum pause between two readings of the same state, in the operator's time; the first pauses are shorter.
    pub interval: Duration,
    /// Time in which a write without a response is read back, in the operator's time.
    pub read_back: Duration,
    /// The clock to wait by.
    pub clock: Arc<dyn Clock>,
    /// The end of all waiting. Once it is cancelled nothing more is sent, but a call on the wire is still awaited.
    pub overdue: CancellationToken,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            read_back: Duration::from_secs(60),
            clock: Arc::new(SystemClock::default()),
            overdue: CancellationToken::new(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("interval", &self.interval)
            .field("read_back", &self.read_back)
            .finish_non_exhaustive()
    }
}

/// Runs the steps of `plan` in order and reports its progress. The outcome is reported as [`Progress::Ended`], and
/// returned. After `cancel` no call is sent, and no call on the wire is awaited.
pub async fn execute(
    actor: &dyn Cloud,
    plan: &Plan,
    options: &Options,
    cancel: &CancellationToken,
    report: &mut (dyn FnMut(Progress) + Send),
) -> OperationOutcome {
    let step_began = options.clock.now();
    let identified = plan.intent.is_rollback();
    let mut run = Run { actor, plan, options, cancel, report, step_began, identified, relied_on: Vec::new() };
    let outcome = match run.steps().await {
        Ok(()) => OperationOutcome::Done,
        Err(end) => *end,
    };
    (run.report)(Progress::Ended(outcome.clone()));
    outcome
}

/// The first pauses are short: most expectations hold at once.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Factor for the pauses between readings of values that change once a minute only.
const MINUTELY: u32 = 10;

/// Time for which readings have to show that a rollback's write was not applied. The write is absolute, so it can be sent
/// again, and users wait for it. A forward write may be applied as late as AWS likes.
const NOT_APPLIED: Duration = Duration::from_secs(3);

/// The limits of a wait, in the operator's time.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// Limit of the whole wait.
    whole: Duration,
    /// Limit of the time since readings show, without a break, that something is missing.
    missing: Duration,
}

impl From<Duration> for Patience {
    fn from(whole: Duration) -> Self {
        Self { whole, missing: whole }
    }
}

/// The result of a step; an error is the outcome that the plan stops early with.
type StepResult<T> = Result<T, Box<OperationOutcome>>;

/// The moment at which expectations are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CheckPhase {
    /// Before a call.
    Before,
    /// After a call.
    After,
    /// While a step holds.
    Holding,
}

struct Run<'a> {
    actor: &'a dyn Cloud,
    plan: &'a Plan,
    options: &'a Options,
    cancel: &'a CancellationToken,
    report: &'a mut (dyn FnMut(Progress) + Send),
    /// Start of the present step.
    step_began: Timestamp,
    /// True if the account was compared. A rollback starts with true: its calls name their account in their ARNs, and
    /// nothing may delay its first write.
    identified: bool,
    /// The conditions that the present step relies on while it waits after its call: only somebody else can change
    /// them.
    relied_on: Vec<Expect>,
}

/// The result of reading every expectation once.
enum PollResult {
    /// Every expectation holds.
    Holds,
    /// Some expectations do not hold yet, in words.
    Missing(String),
    /// One reading shows that somebody else changed the state, or that an expectation cannot hold any more.
    Broken(String, Violation),
    /// The reads failed.
    Unread(String),
}

/// The kind of a broken expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Violation {
    /// Somebody else changed what the operator had seen.
    Changed,
    /// The expectation cannot hold any more.
    Unreachable,
}

impl Run<'_> {
    async fn steps(&mut self) -> StepResult<()> {
        let plan = self.plan;
        let mut first_failure = None;
        for (index, step) in plan.steps.iter().enumerate() {
            match self.step(index, step).await {
                Ok(()) => (self.report)(Progress::Verified { step: index }),
                // The steps after an optional one matter more; its failure is the outcome at the end.
                Err(end) if step.optional && *end != OperationOutcome::Superseded => {
                    // A step that only waits is no failure of the plan.
                    first_failure = first_failure.or(step.call.is_some().then_some(end));
                }
                Err(end) => return Err(end),
            }
        }
        first_failure.map_or(Ok(()), Err)
    }

    async fn step(&mut self, index: usize, step: &Step) -> StepResult<()> {
        self.step_began = self.options.clock.now();
        self.relied_on = if self.plan.intent.is_rollback() { Vec::new() } else { relied_on(step) };
        let patience = self.options.clock.operator_time(step.patience);
        if !step.before.is_empty() {
            self.wait(index, &step.before, patience.into(), CheckPhase::Before).await?;
        }
        if let Some(call) = &step.call {
            self.send(index, step, call).await?;
        }
        if !step.after.is_empty() {
            self.wait(index, &step.after, patience.into(), CheckPhase::After).await?;
            if step.hold > SignedDuration::ZERO {
                self.hold(index, step, patience).await?;
            }
        }
        Ok(())
    }

    /// Sends a call, exactly once.
    async fn send(&mut self, index: usize, step: &Step, call: &Call) -> StepResult<()> {
        let refused = |fault| Box::new(OperationOutcome::Refused { step: index, fault });
        if !self.identified {
            self.check_account(call).await.map_err(|end| match end {
                Some(fault) => refused(fault),
                None => Box::new(OperationOutcome::Superseded),
            })?;
            self.identified = true;
        }
        call.belongs_to(&self.plan.place)
            .map_err(|odd| refused(Fault::new(FaultKind::Changed, call.operation(), call.subject(), odd)))?;
        if self.cancel.is_cancelled() || self.options.overdue.is_cancelled() {
            return Err(Box::new(OperationOutcome::Superseded));
        }
        (self.report)(Progress::Sent { step: index });
        let fault = match unless_cancelled(self.cancel, self.actor.act(call)).await? {
            Ok(receipt) => {
                (self.report)(Progress::Answered { step: index, receipt });
                return Ok(());
            }
            Err(fault) if fault.applied() == Applied::No => return Err(refused(fault)),
            Err(fault) => fault,
        };
        (self.report)(Progress::Unknown { step: index, fault: fault.clone() });
        // The written state tells whether the write was applied; its consequences may take long.
        let mut proof: Vec<_> = step.after.iter().filter(|expect| expect.is_written()).cloned().collect();
        if proof.is_empty() {
            proof.clone_from(&step.after);
        }
        let whole = self.options.read_back;
        let missing = if self.plan.intent.is_rollback() { NOT_APPLIED.min(whole) } else { whole };
        match self.wait(index, &proof, Patience { whole, missing }, CheckPhase::After).await {
            Err(end) if *end == OperationOutcome::Superseded && self.cancel.is_cancelled() => Err(end),
            Ok(()) if !proof.is_empty() => Ok(()),
            _ => Err(Box::new(OperationOutcome::Unknown { step: index, fault })),
        }
    }

    /// Compares the account of the credentials with the account on the operator's screen.
    async fn check_account(&mut self, call: &Call) -> Result<(), Option<Fault>> {
        let place = &self.plan.place;
        let changed = |message| Some(Fault::new(FaultKind::Changed, call.operation(), call.subject(), message));
        match unless_cancelled(self.cancel, self.actor.read(&Query::Identity)).await {
            Err(_) => Err(None),
            Ok(Ok(Answer::Identity(identity))) if identity.account == place.account => Ok(()),
            Ok(Ok(Answer::Identity(identity))) => Err(changed(format!(
                "the credentials are those of account {}, this screen shows {}",
                identity.account, place.account
            ))),
            Ok(Ok(_)) => Err(changed("whose credentials these are could not be read".to_owned())),
            Ok(Err(fault)) => Err(Some(fault)),
        }
    }

    /// Reads until every expectation holds, or `patience` is over.
    async fn wait(
        &mut self,
        index: usize,
        expects: &[Expect],
        patience: Patience,
        phase: CheckPhase,
    ) -> StepResult<()> {
        let begun = self.options.clock.elapsed();
        let mut pause = FIRST_PAUSE.min(self.options.interval);
        let mut reported = String::new();
        let mut broken = 0;
        let mut missing_since = None;
        loop {
            let what = match self.poll(expects, phase).await? {
                PollResult::Holds => return Ok(()),
                PollResult::Missing(what) => {
                    broken = 0;
                    missing_since = missing_since.or_else(|| Some(self.options.clock.elapsed()));
                    what
                }
                PollResult::Unread(what) => {
                    (broken, missing_since) = (0, None);
                    what
                }
                PollResult::Broken(what, violation) => {
                    broken += 1;
                    // A single reading may be stale: AWS's answers can lag behind its writes.
                    if broken > 1 {
                        return Err(self.violated(index, what, violation));
                    }
                    what
                }
            };
            let elapsed = self.options.clock.elapsed();
            let waited = elapsed.saturating_sub(begun);
            let missing = missing_since.map_or(Duration::ZERO, |since| elapsed.saturating_sub(since));
            if waited >= patience.whole || missing >= patience.missing {
                let reason = self.out_of_patience(waited, &what);
                return Err(Box::new(OperationOutcome::Failed { step: index, reason }));
            }
            if reported != what {
                (self.report)(Progress::Waiting { step: index, what: what.clone() });
                reported = what;
            }
            self.pause(pause.min(patience.whole - waited)).await?;
            let longest = if expects.iter().any(Expect::is_minutely) { MINUTELY } else { 1 };
            pause = (pause * 2).min(self.options.interval * longest);
        }
    }

    /// Checks that every expectation holds for the step's whole time. The last check is at the end of that time.
    async fn hold(&mut self, index: usize, step: &Step, patience: Duration) -> StepResult<()> {
        let span = self.options.clock.operator_time(step.hold);
        let begun = self.options.clock.elapsed();
        let (mut broken, mut unread) = (0, false);
        loop {
            let passed = self.options.clock.elapsed().saturating_sub(begun);
            let left = span.saturating_sub(passed);
            let pause = match left {
                // A failed read is not repeated sooner: AWS may be throttling.
                _ if unread => self.options.interval,
                _ if broken > 0 => FIRST_PAUSE,
                left if left.is_zero() => FIRST_PAUSE,
                left => left,
            };
            self.pause(pause.min(self.options.interval)).await?;
            let over = self.options.clock.elapsed().saturating_sub(begun);
            let result = self.poll(&step.after, CheckPhase::Holding).await?;
            unread = matches!(result, PollResult::Unread(_));
            match result {
                PollResult::Holds if over >= span => return Ok(()),
                PollResult::Holds => broken = 0,
                PollResult::Missing(what) | PollResult::Broken(what, _) => {
                    broken += 1;
                    if broken > 1 {
                        let reason = format!("it did not last: {what}");
                        return Err(Box::new(OperationOutcome::Failed { step: index, reason }));
                    }
                }
                PollResult::Unread(what) if over >= span.saturating_add(patience) => {
                    let reason = self.out_of_patience(patience, &what);
                    return Err(Box::new(OperationOutcome::Failed { step: index, reason }));
                }
                PollResult::Unread(what) => (self.report)(Progress::Waiting { step: index, what }),
            }
        }
    }

    /// Reads every expectation once, all queries at the same time and none twice.
    async fn poll(&mut self, expects: &[Expect], phase: CheckPhase) -> StepResult<PollResult> {
        let now = self.options.clock.now();
        let relied_on = if phase == CheckPhase::After { self.relied_on.as_slice() } else { &[] };
        let mut queries: Vec<Query> = Vec::new();
        for expect in expects.iter().chain(relied_on) {
            let query = expect.query(now);
            if !queries.contains(&query) {
                queries.push(query);
            }
        }
        let reads = join_all(queries.iter().map(|query| self.actor.read(query)));
        let answers = unless_stopped(self.options, self.cancel, reads).await?;
        let answer = |expect: &Expect| {
            let query = expect.query(now);
            queries.iter().zip(&answers).find(|(asked, _)| **asked == query).map(|(_, answer)| answer)
        };
        for expect in relied_on {
            if let Some(Ok(facts)) = answer(expect)
                && let Met::NotYet(what) | Met::Unreachable(what) = expect.compare(facts, self.step_began, now)
            {
                let what = format!("somebody else changed it meanwhile: {what}");
                return Ok(PollResult::Broken(what, Violation::Unreachable));
            }
        }
        let (mut missing, mut unread) = (Vec::new(), Vec::new());
        for expect in expects {
            let Some(answer) = answer(expect) else { continue };
            match answer.as_ref().map(|facts| expect.compare(facts, self.step_began, now)) {
                Ok(Met::Yes) => {}
                Ok(Met::Unreachable(what)) => return Ok(PollResult::Broken(what, Violation::Unreachable)),
                // Only a write changes this, so waiting does not help: somebody else wrote.
                Ok(Met::NotYet(what)) if phase == CheckPhase::Before && expect.is_written() => {
                    return Ok(PollResult::Broken(what, Violation::Changed));
                }
                Ok(Met::NotYet(what)) => missing.push(what),
                Err(fault) => unread.push(fault.headline()),
            }
        }
        Ok(match (missing.is_empty(), unread.is_empty()) {
            (true, true) => PollResult::Holds,
            (false, _) => PollResult::Missing(missing.join(", ")),
            (true, false) => PollResult::Unread(format!("cannot read: {}", unread.join(", "))),
        })
    }

    fn violated(&self, index: usize, what: String, violation: Violation) -> Box<OperationOutcome> {
        let call = self.plan.steps.get(index).and_then(|step| step.call.as_ref());
        Box::new(match (violation, call) {
            (Violation::Changed, Some(call)) => OperationOutcome::Refused {
                step: index,
                fault: Fault::new(FaultKind::Changed, call.operation(), call.subject(), what),
            },
            _ => OperationOutcome::Failed { step: index, reason: what },
        })
    }

    fn out_of_patience(&self, patience: Duration, what: &str) -> String {
        let on_aws_clock = self.options.clock.rate().aws_time(patience).as_secs_f64();
        if on_aws_clock < 120.0 {
            format!("waited {on_aws_clock:.0} s: {what}")
        } else {
            format!("waited {:.0} min: {what}", on_aws_clock / 60.0)
        }
    }

    async fn pause(&mut self, span: Duration) -> StepResult<()> {
        unless_stopped(self.options, self.cancel, self.options.clock.sleep(span)).await
    }
}

/// The conditions that a forward step relies on after its call. A step with a call relies on the rules as they were
/// seen, unless it writes them. A step that only waits relies on everything that an earlier step has written.
fn relied_on(step: &Step) -> Vec<Expect> {
    let kept: Vec<&Expect> = match &step.call {
        None => step.after.iter().filter(|expect| expect.is_written()).collect(),
        Some(Call::SetWeights { .. }) => Vec::new(),
        Some(_) => step.before.iter().filter(|expect| matches!(expect, Expect::Weights { .. })).collect(),
    };
    kept.into_iter().cloned().collect()
}

/// The result of `work`, unless the operation is cancelled first.
async fn unless_cancelled<T>(cancel: &CancellationToken, work: impl Future<Output = T>) -> StepResult<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Box::new(OperationOutcome::Superseded)),
        done = work => Ok(done),
    }
}

/// The result of a read or of a pause, unless the operation is cancelled or its time is over first.
async fn unless_stopped<T>(
    options: &Options,
    cancel: &CancellationToken,
    work: impl Future<Output = T>,
) -> StepResult<T> {
    unless_cancelled(&options.overdue, unless_cancelled(cancel, work)).await?
}
