//! The one loop: everything that happens comes in here, in one order; nothing is awaited between a key and its frame.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::panic;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr};
use futures::{Stream, StreamExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::message;
use super::message::{Effect, Msg};
use super::signals::{Ended, Signals};
use super::state::Model;
use super::state::operation::OperationId;
use super::terminal;
use super::terminal::Screen;
use super::update;
use super::view;
use super::view::Theme;
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::cloud::tee::Overheard;
use crate::domain::ecs::names::Location;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::snapshot::Query;
use crate::domain::plan::Plan;
use crate::execute::audit;
use crate::execute::audit::{Journal, Order, Via};
use crate::execute::audited_execution::{Audit, perform};
use crate::execute::executor::Options;

/// A frame takes at least this long: thirty a second.
const FRAME: Duration = Duration::from_millis(33);
/// Ages and timers on the screen move once a second.
const TICK: Duration = Duration::from_secs(1);
/// Where AWS's clock is in a expedite, the console looks more often.
const HASTY_TICK: Duration = Duration::from_millis(250);
/// No question takes longer than this, whatever a client's own timeouts are.
const LONGEST_READ: Duration = Duration::from_secs(60);

/// What a console needs.
pub struct Console {
    /// The state to begin with.
    pub model: Model,
    /// How it is drawn.
    pub theme: Theme,
    /// Answers questions.
    pub reader: Arc<dyn Cloud>,
    /// Takes writes, and the reads around them, on connections of its own.
    pub actor: Arc<dyn Cloud>,
    /// Where acts are written down; or why it could not be opened.
    pub journal: Result<Arc<Journal>, String>,
    /// How plans are carried out.
    pub options: Options,
    /// Tells the time.
    pub clock: Clock,
}

/// What a console draws on: the terminal, or a test's.
pub trait Canvas {
    /// Draws one frame.
    fn draw(&mut self, view: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()>;
    /// Columns and rows.
    fn size(&self) -> io::Result<(u16, u16)>;
    /// Puts text on the operator's clipboard.
    fn copy(&mut self, text: &str) -> io::Result<()>;
    /// Gives the terminal to the shell until it comes back.
    fn suspend(&mut self) -> io::Result<()>;
}

/// Runs the console on the terminal until the operator leaves or a signal ends it.
pub async fn run(console: Console) -> Result<Ended> {
    let mut signals = Signals::listen().wrap_err("cannot listen for signals")?;
    let mut screen = Screen::enter().wrap_err("cannot take over the terminal")?;
    let ended = drive(console, &mut screen, terminal::events(), signals.next()).await;
    drop(screen);
    ended
}

/// Runs the console on any canvas, fed by any stream of what an operator does.
pub async fn drive(
    console: Console,
    canvas: &mut impl Canvas,
    events: impl Stream<Item = io::Result<Msg>>,
    ended: impl Future<Output = Ended>,
) -> Result<Ended> {
    Loop::new(console).run(canvas, pin!(events), pin!(ended)).await
}

/// The loop's own state: what is under way outside the model.
struct Loop {
    console: Console,
    tasks: JoinSet<()>,
    operations: HashMap<OperationId, CancellationToken>,
    inbox: UnboundedReceiver<Msg>,
    outbox: UnboundedSender<Msg>,
}

impl Loop {
    fn new(console: Console) -> Self {
        let (outbox, inbox) = unbounded_channel();
        Self { console, tasks: JoinSet::new(), operations: HashMap::new(), inbox, outbox }
    }

    async fn run(
        mut self,
        screen: &mut impl Canvas,
        mut events: impl Stream<Item = io::Result<Msg>> + Unpin,
        mut ended: impl Future<Output = Ended> + Unpin,
    ) -> Result<Ended> {
        if let Ok((columns, rows)) = screen.size() {
            self.console.model.screen.size = (columns, rows);
        }
        let every = if self.console.clock.speed() > 1.0 { HASTY_TICK } else { TICK };
        let (mut next_tick, mut next_frame, mut dirty) = (Instant::now(), Instant::now(), true);
        loop {
            let msg = tokio::select! {
                biased;
                ended = &mut ended => return Ok(ended),
                event = events.next() => match event {
                    Some(Ok(msg)) => msg,
                    // The terminal is gone: nothing can be shown any more, and what is in flight is in the journal.
                    Some(Err(_)) | None => return Ok(Ended::TerminalGone),
                },
                Some(msg) = self.inbox.recv() => msg,
                Some(task) = self.tasks.join_next() => {
                    if let Err(error) = task
                        && error.is_panic()
                    {
                        panic::resume_unwind(error.into_panic());
                    }
                    continue;
                }
                () = sleep_until(next_frame), if dirty => {
                    let (model, theme) = (&self.console.model, &self.console.theme);
                    if screen.draw(|frame| view::view(model, theme, frame)).is_err() {
                        return Ok(Ended::TerminalGone);
                    }
                    (dirty, next_frame) = (false, Instant::now() + FRAME);
                    continue;
                }
                () = sleep_until(next_tick) => {
                    next_tick = Instant::now() + every;
                    Msg::Tick
                }
            };
            dirty = true;
            let effects = update(&mut self.console.model, self.console.clock.now(), msg);
            for effect in effects {
                match effect {
                    Effect::Quit => return Ok(Ended::ByOperator),
                    Effect::Suspend => {
                        screen.suspend().wrap_err("cannot come back from the shell")?;
                        let _ = self.outbox.send(Msg::Resumed);
                    }
                    Effect::Copy(text) => {
                        if let Err(error) = screen.copy(&text) {
                            let _ = self.outbox.send(Msg::Trouble(format!("cannot copy: {error}")));
                        }
                    }
                    Effect::Read(query) => self.read(query),
                    Effect::Recall(place) => self.recall(place),
                    Effect::Execute { operation, plan, order } => self.carry_out(operation, *plan, order),
                    Effect::Cancel(operation) => {
                        if let Some(stop) = self.operations.remove(&operation) {
                            stop.cancel();
                        }
                    }
                }
            }
        }
    }

    fn read(&mut self, query: Query) {
        let (reader, outbox, asked) =
            (Arc::clone(&self.console.reader), self.outbox.clone(), self.console.clock.now().at);
        self.tasks.spawn(async move {
            let answer = match timeout(LONGEST_READ, reader.read(&query)).await {
                Ok(answer) => answer,
                Err(_) => Err(Fault::new(FaultKind::Unanswered, "read", "AWS", "no answer within 60 s")),
            };
            let _ = outbox.send(Msg::Read { asked, query, answer });
        });
    }

    fn recall(&mut self, place: Location) {
        let (Ok(journal), outbox) = (self.console.journal.clone(), self.outbox.clone()) else { return };
        self.tasks.spawn_blocking(move || {
            let audit::Recall { requested, since, witnessed, acts, remembers } = audit::recall(journal.path(), &place);
            let _ = outbox.send(Msg::Recalled { requested, since, witnessed, acts, remembers });
        });
    }

    fn carry_out(&mut self, operation: OperationId, plan: Plan, order: message::Order) {
        let stop = CancellationToken::new();
        self.operations.insert(operation, stop.clone());
        let Console { actor, journal, options, clock, model, .. } = &self.console;
        let (actor, journal, options, clock) = (Arc::clone(actor), journal.clone(), options.clone(), *clock);
        let via = if order.automatic { Via::Automatic } else { Via::Key };
        let order = Order { who: model.observed.snapshot.identity.get().cloned(), via, why: order.why };
        let outbox = self.outbox.clone();
        self.tasks.spawn(async move {
            let audit =
                Audit { journal: journal.as_deref().map_err(String::as_str), order: &order, now: &|| clock.now().at };
            let heard = outbox.clone();
            let actor = Overheard {
                cloud: actor,
                now: move || clock.now().at,
                tell: move |msg| {
                    let _ = heard.send(msg);
                },
            };
            perform(&actor, &plan, &options, &stop, &audit, &mut |progress| {
                // The loop outlives its tasks, but for the moment in which it ends.
                let _ = outbox.send(Msg::Progress { operation, progress });
            })
            .await;
            // The way back does not wait for the audit; that it is not there must be said all the same.
            let trouble = journal.map_or_else(Some, |journal| journal.trouble());
            if let Some(trouble) = trouble.filter(|_| plan.intent.is_rollback()) {
                let _ = outbox.send(Msg::Trouble(format!("carried out, but not written to the audit: {trouble}")));
            }
        });
    }
}
