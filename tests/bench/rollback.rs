//! From the key `R` to the `ModifyRule` at AWS's door, while every read hangs: the console's own loop, the real SDK,
//! real sockets. Only the terminal is not there: keys are fed as its events are, frames go to a buffer.
//!
//! A read that has been out for a second, or was given up on, is known to hang: then the rule is written as it was last
//! read. Before that a rollback gives the fresh reading a quarter of a second, so that it does not undo what somebody else
//! changed in the rule: that is measured apart.
//!
//! After each press the console is ended, and the next one begins with what was known then: a write that cannot be
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
use tidegate::cloud::aws::{ClientPools, Connect};
use tidegate::console::driver::Driver;
use tidegate::console::event_loop::{Canvas, Console, drive};
use tidegate::console::keymap::Key;
use tidegate::console::message::{Effect, Msg, Now};
use tidegate::console::poll_schedule::Polls;
use tidegate::console::screen::Screen;
use tidegate::console::signals::Ended;
use tidegate::console::state::Model;
use tidegate::console::update;
use tidegate::console::view::Theme;
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
/// Nothing here takes as long; it only bounds a hopeless run.
const PATIENCE: Duration = Duration::from_secs(30);
/// Every so many presses reads are answered once more. The first press then comes right after they have begun to
/// hang, the others when that is known.
const BATCH: usize = 11;
/// All the questions of an open release are out, and none is answered.
const HANGING: usize = 8;

/// When each frame was begun and done.
type Frames = Arc<Mutex<Vec<(Instant, Instant)>>>;

/// Draws for nobody, and takes note of when.
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

/// What one press showed.
struct Press {
    /// From the key to the call's arrival.
    call: Duration,
    /// From the key to the frame that shows it.
    frame: Duration,
    /// The same for the keys that followed, where any did.
    later: Vec<Duration>,
    /// Between the frames meanwhile.
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

    /// A console's model after its first look around, with checkout open and all of it to be asked for again. From
    /// here on nothing that is read is answered.
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
            theme: Theme::detect(None, Some("xterm-256color"), false),
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

/// Presses `R` when nothing is answered any more. If `stay`, other keys follow for a second.
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
    // Answered too, so that the next press finds a world in which nothing is still to happen.
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
        // Frames come by themselves; looking for one is cheap, and over when the last is there.
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
