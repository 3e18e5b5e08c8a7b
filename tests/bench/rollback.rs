//! The time from the key `R` to the arrival of `ModifyRule` at AWS, while every read hangs. The bench uses the
//! console's own event loop, the real SDK and real sockets. Only the terminal is replaced: the bench sends keys as
//! terminal events, and draws frames to a buffer.
//!
//! A read that has been under way for a second, or that was given up, counts as hanging; then the rule is written as
//! last read. Before that a rollback waits up to a quarter of a second for a fresh read, so that it does not undo
//! another actor's change of the rule. That case is measured separately.
//!
//! After each press the console ends, and the next console starts with the same model, because a write that cannot be
//! read back stays in flight. So each press also pays for a new connection, like the first press of a shift.
//! read back stays in flight. So each press also pays for a new connection, as the first press of a shift does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{HashSet, VecDeque};
use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::channel::mpsc::{UnboundedSender, unbounded};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tidegate::cloud::Cloud;
use tidegate::cloud::aws;
use tidegate::cloud::aws::{Budget, ClientPools, Connect};
use tidegate::console::driver::Driver;
use tidegate::console::event_loop::{Canvas, Console, drive};
use tidegate::console::keymap::Key;
use tidegate::console::message::{Effect, Msg, Now};
use tidegate::console::poll_schedule::Polls;
use tidegate::console::screen::Screen;
use tidegate::console::signals::Ended;
use tidegate::console::state::Model;
use tidegate::console::update;
use tidegate::console::view::{Palette, Theme};
use tidegate::domain::ecs::names::Location;
use tidegate::domain::settings::Settings;
use tidegate::execute::audit::Journal;
use tidegate::execute::executor::Options;
use tidegate::sim::scenario::Scenario;
use tidegate::sim::wire::{CallLog, Fault, FaultRule, Server, SimClock};
use tidegate::sim::world::World;
use tokio::sync::oneshot;

mod measure;

use measure::{Line, Samples, Wish};

const SIZE: (u16, u16) = (120, 40);
/// Bound on a hopeless run; no wait here takes as long.
const PATIENCE: Duration = Duration::from_secs(30);
/// Number of presses after which reads work once again. The first press of a batch comes right after reads begin to
/// hang, the others when the console already knows.
const BATCH: usize = 11;
/// Hanging reads, once all queries of an open release are under way.
const HANGING: usize = 8;

/// The start and the end of each frame.
type Frames = Arc<Mutex<Vec<(Instant, Instant)>>>;

/// A canvas that draws to a buffer and records the times.
struct Headless {
    terminal: Terminal<TestBackend>,
    frames: Frames,
}

impl Canvas for Headless {
    fn draw(&mut self, view: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        let begun = Instant::now();
        self.terminal.draw(view).map_err(io::Error::other)?;
        self.frames.lock().unwrap().push((begun, Instant::now()));
        Ok(())
    }

    fn size(&self) -> io::Result<(u16, u16)> {
        Ok(SIZE)
    }

    fn copy(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Bench {
    world: Arc<Mutex<World>>,
    server: Server,
    lanes: ClientPools,
    journal: Arc<Journal>,
}

/// The measurements of one press.
struct Press {
    /// From the key to the arrival of the call.
    call: Duration,
    /// From the key to the end of its frame.
    frame: Duration,
    /// From each later key to the end of its frame; empty if no other keys were pressed.
    later: Vec<Duration>,
    /// Between successive frames after the key.
    gaps: Vec<Duration>,
}

fn main() -> ExitCode {
    let wish = Wish::new(20 * BATCH);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let state = tempfile::tempdir().unwrap();
    let [mut call, mut early, mut frame, mut later, mut gaps] = [(); 5].map(|()| Samples::default());
    runtime.block_on(async {
        let bench = Bench::new(&state.path().join("audit.jsonl")).await;
        let mut model = None;
        for round in 0..wish.rounds {
            let place = round % BATCH;
            if place == 0 {
                model = Some(bench.observe().await);
            }
            let press = bench.press(model.clone().unwrap(), place == 1).await;
            if place == 0 {
                early.push(press.call)
            } else {
                call.push(press.call)
            }
            frame.push(press.frame);
            later.extend(press.later);
            gaps.extend(press.gaps);
        }
    });
    let limit = |millis| Some(Duration::from_millis(millis));
    wish.report(
        "R while every read hangs",
        &[
            Line { what: "R to ModifyRule at AWS", samples: &call, limit: limit(20) },
            Line { what: "  when reads began to hang just before", samples: &early, limit: limit(270) },
            Line { what: "R to the frame that shows it", samples: &frame, limit: None },
            Line { what: "other keys in the next second, to their frame", samples: &later, limit: None },
            Line { what: "between frames in that second", samples: &gaps, limit: None },
        ],
    )
}

impl Bench {
    async fn new(audit: &std::path::Path) -> Self {
        let start = Timestamp::now();
        let world = Arc::new(Mutex::new(World::new(&Scenario::named("good-release").unwrap(), 7, start)));
        let server = Server::start(world.clone(), SimClock::running(start, 1.0), None).unwrap();
        let lanes = aws::connect(&Connect {
            region: Some("us-east-1".to_owned()),
            endpoint_url: Some(server.endpoint()),
            keys: Some(("bench".to_owned(), "bench".to_owned())),
            budget: Budget::unlimited(),
            ..Connect::default()
        })
        .await
        .unwrap();
        Self { world, server, lanes, journal: Arc::new(Journal::open(audit).unwrap()) }
    }

    fn log(&self) -> &CallLog {
        self.server.log()
    }

    fn canary_at_one_percent(&self) {
        let weights = [("checkout-stable", 99), ("checkout-canary", 1)];
        assert!(self.world.lock().unwrap().edit_rule_weights("checkout", &weights));
    }

    /// A console's model after its first poll, with checkout open and every poll due again. From here on every read
    /// hangs.
    async fn observe(&self) -> Model {
        self.server.faults().clear();
        self.canary_at_one_percent();
        let place =
            Location { environment: "bench".to_owned(), account: String::new(), region: "us-east-1".to_owned() };
        let mut model = Model::new(Settings::default(), place, Now::new(Timestamp::now()), SIZE);
        let mut effects: VecDeque<Effect> = update(&mut model, Now::new(Timestamp::now()), Msg::Tick).into();
        while let Some(effect) = effects.pop_front() {
            if let Effect::Read(query) = effect {
                let asked = Timestamp::now();
                let answer = self.lanes.poll.read(&query).await;
                assert!(answer.is_ok(), "{answer:?}");
                effects.extend(update(&mut model, Now::new(Timestamp::now()), Msg::Read { asked, query, answer }));
            }
        }
        model.screen.current = Screen::Release("checkout".to_owned());
        model.polls = Polls::default();
        let share = model.release("checkout").unwrap().share.configured.unwrap().to_string();
        assert_eq!(share, "1%", "in flight, so that R asks nothing");
        self.server.faults().add(FaultRule::reads(Fault::Hang));
        model
    }

    async fn press(&self, model: Model, stay: bool) -> Press {
        self.canary_at_one_percent();
        let frames = Arc::new(Mutex::new(Vec::new()));
        let mut canvas =
            Headless { terminal: Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).unwrap(), frames: frames.clone() };
        let console = Console {
            model,
            theme: Theme::new(Palette::Sixteen, false),
            driver: Driver::new(
                Arc::new(self.lanes.poll.clone()),
                Arc::new(self.lanes.act.clone()),
                Ok(self.journal.clone()),
                Options::default(),
            ),
            recorder: None,
        };
        let (keys, events) = unbounded();
        let (end, ended) = oneshot::channel();
        let operator = tokio::spawn(operate(self.log().clone(), keys, frames, stay, end));
        let ended = async move {
            let _ = ended.await;
            Ended::ByOperator
        };
        assert_eq!(drive(console, &mut canvas, events, ended).await.unwrap(), Ended::ByOperator);
        operator.await.unwrap()
    }
}

/// Presses `R` once all reads hang. If `stay`, presses other keys for a second.
async fn operate(
    log: CallLog,
    keys: UnboundedSender<io::Result<Msg>>,
    frames: Frames,
    stay: bool,
    end: oneshot::Sender<()>,
) -> Press {
    let before = log.last_sequence();
    let mut hanging = HashSet::new();
    let all_hang = log.wait_for(|record| {
        if record.sequence > before && record.status.is_none() {
            hanging.insert(record.sequence);
        }
        hanging.len() >= HANGING
    });
    tokio::time::timeout(PATIENCE, all_hang).await.expect("the polls hang");

    let press = |key| {
        let at = Instant::now();
        keys.unbounded_send(Ok(Msg::Key(key))).unwrap();
        at
    };
    let pressed = press(Key::Char('R'));
    // The write has its response, so the next press begins with nothing under way.
    let written =
        log.wait_for(|record| record.sequence > before && record.operation == "ModifyRule" && record.status.is_some());
    let written = tokio::time::timeout(PATIENCE, written).await.expect("R reaches AWS");
    assert_eq!(written.status, Some(200));
    let arrived = written.arrived;
    let mut later = Vec::new();
    if stay {
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        while pressed.elapsed() < Duration::from_secs(1) {
            pace.tick().await;
            later.push(press(Key::Tab));
        }
    }
    let last = later.last().copied().unwrap_or(pressed);
    let shown = async {
        // Frames come by themselves. The check is cheap, and ends with the frame of the last key.
        while frames.lock().unwrap().last().is_none_or(|(begun, _)| *begun < last) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, shown).await.expect("the screen goes on");
    let _ = end.send(());

    let frames = frames.lock().unwrap().clone();
    let shown = |key: &Instant| frames.iter().find(|(begun, _)| begun >= key).unwrap().1;
    let to_frame = |key: &Instant| shown(key).duration_since(*key);
    let meanwhile: Vec<_> = if stay {
        std::iter::once(pressed).chain(frames.iter().map(|(_, done)| *done).filter(|done| *done > pressed)).collect()
    } else {
        Vec::new()
    };
    Press {
        call: arrived.duration_since(pressed),
        frame: to_frame(&pressed),
        later: later.iter().map(to_frame).collect(),
        gaps: meanwhile.windows(2).map(|pair| pair[1] - pair[0]).collect(),
    }
}
