//! Carries out a plan: waits, sends each call once, reads back. It decides nothing that the plan does not say.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, SystemClock};
use crate::cloud::Cloud;
use crate::console::state::operation::{OperationOutcome, Progress};
use crate::domain::fault::{Applied, Fault, FaultKind};
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::plan::{Call, Expect, Met, Plan, Step};

/// How a plan is carried out.
#[derive(Clone)]
pub struct Options {
    /// The longest pause between two askings of the same question, in the operator's time; the first are shorter.
    pub interval: Duration,
    /// How long an unanswered write is looked for, in the operator's time.
    pub read_back: Duration,
    /// The clock to wait by.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            read_back: Duration::from_secs(60),
            clock: Arc::new(SystemClock::default()),
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

/// Runs the steps of `plan` in order and reports each move. Whatever becomes of it is reported as
/// [`Progress::Ended`] and returned. After `cancel` nothing more is sent, and nothing on the wire is awaited.
pub async fn execute(
    actor: &dyn Cloud,
    plan: &Plan,
    options: &Options,
    cancel: &CancellationToken,
    report: &mut (dyn FnMut(Progress) + Send),
) -> OperationOutcome {
    let mut run = Run { actor, plan, options, cancel, report, identified: plan.intent.is_rollback() };
    let outcome = match run.steps().await {
        Ok(()) => OperationOutcome::Done,
        Err(end) => *end,
    };
    (run.report)(Progress::Ended(outcome.clone()));
    outcome
}

/// The first pauses are short: most of what is waited for is there at once.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A plan stops early with an outcome.
type StepResult<T> = Result<T, Box<OperationOutcome>>;

/// Why expectations are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CheckPhase {
    /// Before a call.
    Before,
    /// After it.
    After,
    /// For the whole time that a step holds.
    Holding,
}

struct Run<'a> {
    actor: &'a dyn Cloud,
    plan: &'a Plan,
    options: &'a Options,
    cancel: &'a CancellationToken,
    report: &'a mut (dyn FnMut(Progress) + Send),
    /// Whether the account was compared. On the way back it is not asked for: a call names its account in its
    /// ARNs, and nothing may stand between the key and the write.
    identified: bool,
}

/// What a round of questions showed.
enum PollResult {
    /// All of it holds.
    Holds,
    /// Not yet, in words.
    Missing(String),
    /// It cannot come any more, or was changed by somebody else; one reading of it.
    Broken(String, Violation),
    /// Nothing was learned: the questions failed.
    Unread(String),
}

/// What sort of break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Violation {
    /// Somebody changed what the operator had seen.
    Changed,
    /// It will not come.
    Never,
}

impl Run<'_> {
    async fn steps(&mut self) -> StepResult<()> {
        let plan = self.plan;
        let mut gone_past = None;
        for (index, step) in plan.steps.iter().enumerate() {
            match self.step(index, step).await {
                Ok(()) => (self.report)(Progress::Verified { step: index }),
                // What follows matters more, and is ordered all the same; what failed is said at the end.
                Err(end) if step.optional && *end != OperationOutcome::Superseded => {
                    gone_past = gone_past.or(Some(end))
                }
                Err(end) => return Err(end),
            }
        }
        gone_past.map_or(Ok(()), Err)
    }

    async fn step(&mut self, index: usize, step: &Step) -> StepResult<()> {
        let patience = self.options.clock.operator_time(step.patience);
        if !step.before.is_empty() {
            self.wait(index, &step.before, patience, CheckPhase::Before).await?;
        }
        if let Some(call) = &step.call {
            self.send(index, step, call).await?;
        }
        if !step.after.is_empty() {
            self.wait(index, &step.after, patience, CheckPhase::After).await?;
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
            self.identify(call).await.map_err(|end| match end {
                Some(fault) => refused(fault),
                None => Box::new(OperationOutcome::Superseded),
            })?;
            self.identified = true;
        }
        call.belongs_to(&self.plan.place)
            .map_err(|odd| refused(Fault::new(FaultKind::Changed, call.operation(), call.subject(), odd)))?;
        if self.cancel.is_cancelled() {
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
        // What the write itself changes tells whether it was applied; what follows from it may take long.
        let mut proof: Vec<_> = step.after.iter().filter(|expect| expect.is_written()).cloned().collect();
        if proof.is_empty() {
            proof.clone_from(&step.after);
        }
        match self.wait(index, &proof, self.options.read_back, CheckPhase::After).await {
            Err(end) if *end == OperationOutcome::Superseded => Err(end),
            Ok(()) if !proof.is_empty() => Ok(()),
            _ => Err(Box::new(OperationOutcome::Unknown { step: index, fault })),
        }
    }

    /// Compares the account that the credentials belong to with the one that the operator looks at.
    async fn identify(&mut self, call: &Call) -> Result<(), Option<Fault>> {
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

    /// Asks until everything holds, or `patience` is over.
    async fn wait(
        &mut self,
        index: usize,
        expects: &[Expect],
        patience: Duration,
        stage: CheckPhase,
    ) -> StepResult<()> {
        let begun = self.options.clock.elapsed();
        let mut pause = FIRST_PAUSE.min(self.options.interval);
        let mut said = String::new();
        let mut broken = 0;
        loop {
            let what = match self.round(expects, stage).await? {
                PollResult::Holds => return Ok(()),
                PollResult::Missing(what) | PollResult::Unread(what) => {
                    broken = 0;
                    what
                }
                PollResult::Broken(what, sort) => {
                    broken += 1;
                    // One reading may be an old one: AWS's answers can lag behind its writes.
                    if broken > 1 {
                        return Err(self.halted(index, what, sort));
                    }
                    what
                }
            };
            let waited = self.options.clock.elapsed().saturating_sub(begun);
            if waited >= patience {
                return Err(Box::new(OperationOutcome::Failed {
                    step: index,
                    reason: self.out_of_patience(patience, &what),
                }));
            }
            if said != what {
                (self.report)(Progress::Waiting { step: index, what: what.clone() });
                said = what;
            }
            self.pause(pause.min(patience - waited)).await?;
            pause = (pause * 2).min(self.options.interval);
        }
    }

    /// Watches that everything goes on holding for the step's time. It ends with a reading, not with a guess.
    async fn hold(&mut self, index: usize, step: &Step, patience: Duration) -> StepResult<()> {
        let span = self.options.clock.operator_time(step.hold);
        let begun = self.options.clock.elapsed();
        let (mut broken, mut unread) = (0, false);
        loop {
            let passed = self.options.clock.elapsed().saturating_sub(begun);
            let left = span.saturating_sub(passed);
            let pause = match left {
                // Questions that fail are not asked faster for it: AWS may be throttling them.
                _ if unread => self.options.interval,
                _ if broken > 0 => FIRST_PAUSE,
                left if left.is_zero() => FIRST_PAUSE,
                left => left,
            };
            self.pause(pause.min(self.options.interval)).await?;
            let over = self.options.clock.elapsed().saturating_sub(begun);
            let round = self.round(&step.after, CheckPhase::Holding).await?;
            unread = matches!(round, PollResult::Unread(_));
            match round {
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

    /// Asks everything once, each question once, all at the same time.
    async fn round(&mut self, expects: &[Expect], stage: CheckPhase) -> StepResult<PollResult> {
        let mut queries: Vec<Query> = Vec::new();
        for expect in expects {
            let query = expect.query();
            if !queries.contains(&query) {
                queries.push(query);
            }
        }
        let answers =
            unless_cancelled(self.cancel, join_all(queries.iter().map(|query| self.actor.read(query)))).await?;
        let (mut missing, mut unread) = (Vec::new(), Vec::new());
        for expect in expects {
            let query = expect.query();
            let Some((_, answer)) = queries.iter().zip(&answers).find(|(asked, _)| **asked == query) else { continue };
            match answer.as_ref().map(|facts| expect.compare(facts)) {
                Ok(Met::Yes) => {}
                Ok(Met::Never(what)) => return Ok(PollResult::Broken(what, Violation::Never)),
                // What only a write changes does not come about by waiting: somebody else wrote.
                Ok(Met::Inconclusive(what)) if stage == CheckPhase::Before && expect.is_written() => {
                    return Ok(PollResult::Broken(what, Violation::Changed));
                }
                Ok(Met::Inconclusive(what)) => missing.push(what),
                Err(fault) => unread.push(fault.headline()),
            }
        }
        Ok(match (missing.is_empty(), unread.is_empty()) {
            (true, true) => PollResult::Holds,
            (false, _) => PollResult::Missing(missing.join(", ")),
            (true, false) => PollResult::Unread(format!("cannot read: {}", unread.join(", "))),
        })
    }

    fn halted(&self, index: usize, what: String, sort: Violation) -> Box<OperationOutcome> {
        let call = self.plan.steps.get(index).and_then(|step| step.call.as_ref());
        Box::new(match (sort, call) {
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
        unless_cancelled(self.cancel, self.options.clock.sleep(span)).await
    }
}

/// Work that an order to stop puts an end to.
async fn unless_cancelled<T>(cancel: &CancellationToken, work: impl Future<Output = T>) -> StepResult<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Box::new(OperationOutcome::Superseded)),
        done = work => Ok(done),
    }
}
