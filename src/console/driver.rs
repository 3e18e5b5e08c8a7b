//! Runs effects as tasks beside the core and returns their results as messages. The loop and the tests share it.

use std::collections::HashMap;
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::message;
use super::message::{Effect, Msg, Now};
use crate::cloud::Cloud;
use crate::cloud::tee::Tee;
use crate::domain::ecs::names::{Identity, Location};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::snapshot::Query;
use crate::domain::operation::OperationId;
use crate::domain::plan::Plan;
use crate::execute::audit::{Event, Journal, Line, Order, Via, history, operation_id};
use crate::execute::audited_execution::{Audit, execute_audited};
use crate::execute::executor::Options;

/// A read ends after this time, whatever the client's own timeouts are.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A read of everything ends after this time: thousands of services take minutes within the budget.
const SWEEP_TIMEOUT: Duration = Duration::from_secs(15 * 60);

fn read_timeout(query: &Query) -> Duration {
    match query {
        Query::Services | Query::Routes => SWEEP_TIMEOUT,
        _ => READ_TIMEOUT,
    }
}

/// The world outside the core: the cloud, the audit and the clock, and the tasks that are at work on them.
pub struct Driver {
    reader: Arc<dyn Cloud>,
    actor: Arc<dyn Cloud>,
    journal: Result<Arc<Journal>, String>,
    options: Options,
    tasks: JoinSet<()>,
    operations: HashMap<OperationId, CancellationToken>,
    inbox: UnboundedReceiver<Msg>,
    outbox: UnboundedSender<Msg>,
}

impl Driver {
    /// A driver with nothing to do yet. `actor` takes the writes, and the reads around them, on connections of its own;
    /// `journal` is the audit, or the reason why it could not be opened.
    pub fn new(
        reader: Arc<dyn Cloud>,
        actor: Arc<dyn Cloud>,
        journal: Result<Arc<Journal>, String>,
        options: Options,
    ) -> Self {
        let (outbox, inbox) = unbounded_channel();
        let (tasks, operations) = (JoinSet::new(), HashMap::new());
        Self { reader, actor, journal, options, tasks, operations, inbox, outbox }
    }

    /// The stamp for a message that enters the core now.
    pub fn now(&self) -> Now {
        let clock = &self.options.clock;
        Now { at: clock.now(), rate: clock.rate() }
    }

    /// Starts the work of an effect; `who` are the credentials that an order is written down with. Effects on the
    /// terminal are the caller's.
    pub fn start(&mut self, effect: Effect, who: Option<&Identity>) {
        match effect {
            Effect::Read(query) => self.read(query),
            Effect::Recall(location) => self.recall(location),
            Effect::Execute { operation, plan, order } => self.execute(operation, *plan, order, who.cloned()),
            Effect::Waive { plan, note } => self.waive(*plan, note, who.cloned()),
            Effect::Cancel(operation) => {
                if let Some(stop) = self.operations.remove(&operation) {
                    stop.cancel();
                }
            }
            Effect::Copy(_) | Effect::Suspend | Effect::Quit => {}
        }
    }

    /// Adds a message to those that tasks have sent.
    pub fn send(&self, msg: Msg) {
        // The driver holds the receiver, so this cannot fail.
        let _ = self.outbox.send(msg);
    }

    /// The next message. `None`: no task is at work, and every message was taken. A task's panic goes on here.
    pub async fn next(&mut self) -> Option<Msg> {
        loop {
            tokio::select! {
                biased;
                Some(msg) = self.inbox.recv() => return Some(msg),
                task = self.tasks.join_next() => match task {
                    Some(Err(error)) if error.is_panic() => panic::resume_unwind(error.into_panic()),
                    Some(_) => {}
                    // A task's last message is there before the task is over.
                    None => return self.inbox.try_recv().ok(),
                },
            }
        }
    }

    fn read(&mut self, query: Query) {
        let (reader, outbox) = (Arc::clone(&self.reader), self.outbox.clone());
        let clock = Arc::clone(&self.options.clock);
        let asked = clock.now();
        self.tasks.spawn(async move {
            let limit = read_timeout(&query);
            let told_at = Mutex::new(asked);
            let (parts, part_query, part_clock) = (outbox.clone(), query.clone(), clock);
            let tell = move |answer| {
                // A part is as old as the part before it: its calls were sent since then.
                let mut told_at = told_at.lock().unwrap_or_else(PoisonError::into_inner);
                let asked = std::mem::replace(&mut *told_at, part_clock.now());
                let _ = parts.send(Msg::Overheard { asked, query: part_query.clone(), answer });
            };
            let answer = match timeout(limit, reader.read_in_parts(&query, &tell)).await {
                Ok(answer) => answer,
                Err(_) => {
                    let message = format!("no answer within {} s", limit.as_secs());
                    Err(Fault::new(FaultKind::Unanswered, "read", "AWS", message))
                }
            };
            let _ = outbox.send(Msg::Read { asked, query, answer });
        });
    }

    fn recall(&mut self, location: Location) {
        let (Ok(journal), outbox) = (self.journal.clone(), self.outbox.clone()) else { return };
        let now = self.options.clock.now();
        self.tasks.spawn_blocking(move || {
            let _ = outbox.send(Msg::Recalled(history::recall(journal.path(), &location, now)));
        });
    }

    fn waive(&mut self, plan: Plan, note: String, who: Option<Identity>) {
        let (journal, outbox, now) = (self.journal.clone(), self.outbox.clone(), self.options.clock.now());
        self.tasks.spawn(async move {
            let order = Order { who, via: Via::Key, why: None };
            let written = match journal {
                Ok(journal) => {
                    let id = operation_id(now);
                    journal.write(&Line::new(now, &id, Event::Waived, &plan, &order).note(&note)).await
                }
                Err(trouble) => Ok(Err(trouble)),
            };
            if let Ok(Err(trouble)) = written {
                let _ = outbox.send(Msg::Trouble(format!("waived, but not written to the audit: {trouble}")));
            }
        });
    }

    fn execute(&mut self, operation: OperationId, plan: Plan, order: message::Order, who: Option<Identity>) {
        let stop = CancellationToken::new();
        self.operations.insert(operation, stop.clone());
        let (actor, journal, options) = (Arc::clone(&self.actor), self.journal.clone(), self.options.clone());
        let via = if order.automatic { Via::Automatic } else { Via::Key };
        let order = Order { who, via, why: order.why };
        let outbox = self.outbox.clone();
        self.tasks.spawn(async move {
            let audit = Audit { journal: journal.as_deref().map_err(String::as_str), order: &order, plan: &plan };
            // The screen never shows less than the executor has read back.
            let answers = outbox.clone();
            let actor = Tee {
                cloud: actor,
                clock: Arc::clone(&options.clock),
                tell: move |asked, query, answer| {
                    let _ = answers.send(Msg::Overheard { asked, query, answer });
                },
            };
            execute_audited(&actor, &options, &stop, &audit, &mut |progress| {
                // The loop outlives its tasks, but for the moment in which it ends.
                let _ = outbox.send(Msg::Progress { operation, progress });
            })
            .await;
            // A rollback does not wait for the audit, so a failure to write it is reported afterwards.
            let trouble = journal.map_or_else(Some, |journal| journal.failure());
            if let Some(trouble) = trouble.filter(|_| plan.intent.is_rollback()) {
                let _ = outbox.send(Msg::Trouble(format!("carried out, but not written to the audit: {trouble}")));
            }
        });
    }
}
