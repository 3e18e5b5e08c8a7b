//! The event loop: every message arrives here, in one order. Nothing is awaited between a key and its frame.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr};
use futures::{Stream, StreamExt};
use tokio::time::{Instant, sleep_until};

use super::dialogs::Dialog;
use super::driver::Driver;
use super::message::{Effect, Msg};
use super::recorder::Recorder;
use super::recording::Header;
use super::signals::Ended;
use super::state::Model;
use super::update;
use super::view;
use super::view::Theme;

/// Shortest time between two frames: thirty frames a second at the most.
const FRAME: Duration = Duration::from_millis(33);
/// Interval of the tick, which moves ages and timers on the screen.
const TICK: Duration = Duration::from_secs(1);
/// Interval of the tick if AWS's clock runs fast.
const FAST_CLOCK_TICK: Duration = Duration::from_millis(250);

/// The parts of a console.
pub struct Console {
    /// The initial state.
    pub model: Model,
    /// The theme of every screen.
    pub theme: Theme,
    /// The driver, which carries out effects.
    pub driver: Driver,
    /// The recorder of the session; `None`: nothing is recorded.
    pub recorder: Option<Recorder>,
}

/// The surface that a console draws on: the terminal, or a test's canvas.
pub trait Canvas {
    /// Draws one frame.
    fn draw(&mut self, view: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()>;
    /// Sets the title of the terminal's window.
    fn set_title(&mut self, _title: &str) -> io::Result<()> {
        Ok(())
    }
    /// Returns the columns and rows.
    fn size(&self) -> io::Result<(u16, u16)>;
    /// Puts text on the operator's clipboard.
    fn copy(&mut self, text: &str) -> io::Result<()>;
    /// Gives the terminal to the shell, and returns when the shell gives it back.
    fn suspend(&mut self) -> io::Result<()>;
}

/// Runs the console on any canvas, with any stream of the operator's messages.
pub async fn drive(
    console: Console,
    canvas: &mut impl Canvas,
    events: impl Stream<Item = io::Result<Msg>>,
    ended: impl Future<Output = Ended>,
) -> Result<Ended> {
    console.run(canvas, pin!(events), pin!(ended)).await
}

impl Console {
    async fn run(
        mut self,
        screen: &mut impl Canvas,
        mut events: impl Stream<Item = io::Result<Msg>> + Unpin,
        mut ended: impl Future<Output = Ended> + Unpin,
    ) -> Result<Ended> {
        if let Ok((columns, rows)) = screen.size() {
            self.model.screen.size = (columns, rows);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.begin(Header::of(&self.model, &self.theme));
        }
        let every = if self.driver.now().rate.is_fast() { FAST_CLOCK_TICK } else { TICK };
        let (mut next_tick, mut next_frame, mut dirty) = (Instant::now(), Instant::now(), true);
        let mut titled = String::new();
        loop {
            let msg = tokio::select! {
                biased;
                ended = &mut ended => return Ok(ended),
                event = events.next() => match event {
                    Some(Ok(msg)) => msg,
                    // The terminal is gone: no frame can be shown any more. Operations in flight are in the journal.
                    Some(Err(_)) | None => return Ok(Ended::TerminalGone),
                },
                Some(msg) = self.driver.next() => msg,
                () = sleep_until(next_frame), if dirty => {
                    let (model, theme) = (&self.model, &self.theme);
                    if screen.draw(|frame| view::view(model, theme, frame)).is_err() {
                        return Ok(Ended::TerminalGone);
                    }
                    (dirty, next_frame) = (false, Instant::now() + FRAME);
                    let title = view::title(model, theme);
                    if title != titled && screen.set_title(&title).is_err() {
                        return Ok(Ended::TerminalGone);
                    }
                    titled = title;
                    if self.model.screen.dialog.as_mut().is_some_and(Dialog::awaits_drawing) {
                        self.driver.send(Msg::Drawn);
                    }
                    continue;
                }
                () = sleep_until(next_tick) => {
                    next_tick = Instant::now() + every;
                    Msg::Tick
                }
            };
            dirty = true;
            let now = self.driver.now();
            if let Some(recorder) = &mut self.recorder {
                recorder.record(now.at, &msg, update::takes_text(&mut self.model));
                if let Some(failure) = recorder.failure() {
                    self.driver.send(Msg::Trouble(failure));
                }
            }
            for effect in update(&mut self.model, now, msg) {
                if let Some(ended) = self.carry_out(screen, effect)? {
                    return Ok(ended);
                }
            }
        }
    }

    /// Carries out an effect that needs the terminal, and leaves every other effect to the driver. Returns `Some` if
    /// the console ends.
    fn carry_out(&mut self, screen: &mut impl Canvas, effect: Effect) -> Result<Option<Ended>> {
        match effect {
            Effect::Quit => return Ok(Some(Ended::ByOperator)),
            Effect::Suspend => {
                screen.suspend().wrap_err("cannot come back from the shell")?;
                self.driver.send(Msg::Resumed);
            }
            Effect::Copy(text) => {
                if let Err(error) = screen.copy(&text) {
                    self.driver.send(Msg::Trouble(format!("cannot copy: {error}")));
                }
            }
            effect => self.driver.start(effect, self.model.observed.snapshot.identity.get()),
        }
        Ok(None)
    }
}
