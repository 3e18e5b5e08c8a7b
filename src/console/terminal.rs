//! The terminal: the only file that knows crossterm. Whatever happens, it is given back as it was.

mod input;

use std::io::{self, Stdout, Write};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use color_eyre::eyre::{Result, WrapErr};
use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange, PopKeyboardEnhancementFlags,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{execute, queue};
use futures::Stream;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;

pub use self::input::typed;
use super::event_loop::{Canvas, Console, drive};
use super::message::Msg;
use super::signals::{Ended, Signals};

/// Whether the terminal is ours now; giving it back twice, or from a panic, must do no harm.
static OURS: AtomicBool = AtomicBool::new(false);
/// Whether the terminal is known to support the kitty keyboard protocol.
static SUPPORTS_PROTOCOL: AtomicBool = AtomicBool::new(false);
/// Whether the protocol is switched on, and has to be given back.
static PROTOCOL_ON: AtomicBool = AtomicBool::new(false);
/// Asks for the flags of the protocol; a terminal that does not know it says nothing.
const QUERY_PROTOCOL: &[u8] = b"\x1b[?u";
/// Switches on all that tells a key from another: presses from repeats, caps lock from shift, and the text of each key.
const PROTOCOL_ON_SEQUENCE: &[u8] = b"\x1b[>31u";
/// Reports of panics that happened elsewhere while it was ours: said once it is not.
static UNSAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// One bug may panic over and over; the first reports tell enough.
const MOST_UNSAID: usize = 5;

/// A terminal in raw mode on its alternate screen, until it is dropped.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Output>>,
}

/// The terminal for what draws. What still comes when the terminal has been given back, or is gone, goes nowhere:
/// the cursor is shown once more at the end, and a failure of that would be printed, which panics without a terminal.
struct Output(Stdout);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if OURS.load(Ordering::SeqCst) { self.0.write(bytes) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if OURS.load(Ordering::SeqCst) { self.0.flush() } else { Ok(()) }
    }
}

impl Screen {
    /// Takes the terminal over.
    pub fn enter() -> io::Result<Self> {
        take()?;
        let terminal = Terminal::new(CrosstermBackend::new(Output(io::stdout()))).inspect_err(|_| give_back())?;
        Ok(Self { terminal })
    }
}

impl Canvas for Screen {
    /// One frame, shown at once and whole where the terminal can.
    fn draw(&mut self, view: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        queue!(io::stdout(), BeginSynchronizedUpdate)?;
        self.terminal.draw(view)?;
        execute!(io::stdout(), EndSynchronizedUpdate)
    }

    fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// OSC 52: reaches the operator's side also over SSH.
    fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
    }

    fn suspend(&mut self) -> io::Result<()> {
        give_back();
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        take()?;
        // Unlike `clear`, this does not ask the terminal where its cursor is, which not every terminal answers.
        let (columns, rows) = self.size()?;
        self.terminal.resize(Rect::new(0, 0, columns, rows))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    OURS.store(true, Ordering::SeqCst);
    let mut out = io::stdout();
    execute!(out, EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange, Hide).inspect_err(|_| give_back())?;
    if SUPPORTS_PROTOCOL.load(Ordering::SeqCst) {
        switch_protocol_on();
    } else {
        let _ = out.write_all(QUERY_PROTOCOL).and_then(|()| out.flush());
    }
    Ok(())
}

/// Switches the keyboard protocol on where the terminal has said that it supports it.
fn switch_protocol_on() {
    SUPPORTS_PROTOCOL.store(true, Ordering::SeqCst);
    if OURS.load(Ordering::SeqCst) && !PROTOCOL_ON.swap(true, Ordering::SeqCst) {
        let mut out = io::stdout();
        let _ = out.write_all(PROTOCOL_ON_SEQUENCE).and_then(|()| out.flush());
    }
}

/// Gives the terminal back as it was. Harmless when it is not ours.
pub fn give_back() {
    if OURS.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        if PROTOCOL_ON.swap(false, Ordering::SeqCst) {
            let _ = execute!(out, PopKeyboardEnhancementFlags);
        }
        let _ = execute!(out, DisableFocusChange, DisableBracketedPaste, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
        for report in std::mem::take(&mut *UNSAID.lock().unwrap_or_else(PoisonError::into_inner)) {
            let _ = writeln!(io::stderr(), "{report}");
        }
    }
}

/// From here on a panic is printed, as `report` words it, on the terminal as it was, not into the console's picture.
/// To be called on the thread that draws.
pub fn restore_on_panic(report: impl Fn(&PanicHookInfo<'_>) -> String + Send + Sync + 'static) {
    let draws = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        let report = report(panic);
        if std::thread::current().id() == draws {
            give_back();
        } else if OURS.load(Ordering::SeqCst) {
            // A task's panic is carried to the loop, which ends the program: until then the screen stays ours.
            let mut unsaid = UNSAID.lock().unwrap_or_else(PoisonError::into_inner);
            if unsaid.len() < MOST_UNSAID {
                unsaid.push(report);
            }
            return;
        }
        let _ = writeln!(io::stderr(), "{report}");
    }));
}

/// Runs a console on the terminal until the operator leaves or a signal ends it.
pub async fn run(console: Console) -> Result<Ended> {
    let mut signals = Signals::listen().wrap_err("cannot listen for signals")?;
    let mut screen = Screen::enter().wrap_err("cannot take over the terminal")?;
    let events = events().wrap_err("cannot read the terminal")?;
    let ended = drive(console, &mut screen, events, signals.next()).await;
    drop(screen);
    ended
}

/// The terminal's events as messages. `None` ends it: the terminal is gone.
pub fn events() -> io::Result<impl Stream<Item = io::Result<Msg>>> {
    let size = || crossterm::terminal::size().map(|(columns, rows)| Msg::Resized(columns, rows));
    input::events(size, switch_protocol_on)
}
