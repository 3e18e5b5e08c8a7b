//! The terminal: the only file that knows crossterm. The terminal is always restored to its former state.

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
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle,
    disable_raw_mode, enable_raw_mode,
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

/// True while the console holds the terminal; restoring it twice, or from a panic, must do no harm.
static OURS: AtomicBool = AtomicBool::new(false);
/// True if the terminal is known to support the kitty keyboard protocol.
static SUPPORTS_PROTOCOL: AtomicBool = AtomicBool::new(false);
/// True if the protocol is switched on and must be switched off at the end.
static PROTOCOL_ON: AtomicBool = AtomicBool::new(false);
/// Queries the flags of the protocol; a terminal without the protocol sends no reply.
const QUERY_PROTOCOL: &[u8] = b"\x1b[?u";
/// Switches on all flags: repeats told from presses, caps lock told from shift, and the text of each key.
const PROTOCOL_ON_SEQUENCE: &[u8] = b"\x1b[>31u";
/// Keeps the title of the window on the terminal's stack, and takes it back. A terminal without a stack does nothing.
const KEEP_TITLE: &[u8] = b"\x1b[22;0t";
const TITLE_BACK: &[u8] = b"\x1b[23;0t";
/// Reports of panics on other threads while the console held the terminal: printed after it is restored.
static UNSAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Number of reports kept: one bug may panic over and over, and the first reports suffice.
const MOST_UNSAID: usize = 5;

/// A terminal in raw mode on its alternate screen, until it is dropped.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Output>>,
}

/// The terminal as an output. After the terminal is restored or gone, output is discarded: ratatui shows the cursor
/// once more at the end and would print a failure, and printing panics without a terminal.
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
    /// Takes over the terminal.
    pub fn enter() -> io::Result<Self> {
        take()?;
        let terminal = Terminal::new(CrosstermBackend::new(Output(io::stdout()))).inspect_err(|_| give_back())?;
        Ok(Self { terminal })
    }
}

impl Canvas for Screen {
    /// Draws one frame, atomically where the terminal supports synchronized updates.
    fn draw(&mut self, view: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        queue!(io::stdout(), BeginSynchronizedUpdate)?;
        self.terminal.draw(view)?;
        execute!(io::stdout(), EndSynchronizedUpdate)
    }

    fn set_title(&mut self, title: &str) -> io::Result<()> {
        execute!(io::stdout(), SetTitle(title))
    }

    fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// OSC 52: reaches the operator's clipboard also over SSH.
    fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
    }

    fn suspend(&mut self) -> io::Result<()> {
        give_back();
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        take()?;
        // Unlike `clear`, `resize` does not query the cursor's position: not every terminal replies to that.
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
    out.write_all(KEEP_TITLE).inspect_err(|_| give_back())?;
    execute!(out, EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange, Hide).inspect_err(|_| give_back())?;
    if SUPPORTS_PROTOCOL.load(Ordering::SeqCst) {
        switch_protocol_on();
    } else {
        let _ = out.write_all(QUERY_PROTOCOL).and_then(|()| out.flush());
    }
    Ok(())
}

/// Switches the keyboard protocol on; called once the terminal has reported its support.
fn switch_protocol_on() {
    SUPPORTS_PROTOCOL.store(true, Ordering::SeqCst);
    if OURS.load(Ordering::SeqCst) && !PROTOCOL_ON.swap(true, Ordering::SeqCst) {
        let mut out = io::stdout();
        let _ = out.write_all(PROTOCOL_ON_SEQUENCE).and_then(|()| out.flush());
    }
}

/// Restores the terminal. Does nothing while the console does not hold it.
pub fn give_back() {
    if OURS.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        if PROTOCOL_ON.swap(false, Ordering::SeqCst) {
            let _ = execute!(out, PopKeyboardEnhancementFlags);
        }
        let _ = out.write_all(TITLE_BACK);
        let _ = execute!(out, DisableFocusChange, DisableBracketedPaste, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
        for report in std::mem::take(&mut *UNSAID.lock().unwrap_or_else(PoisonError::into_inner)) {
            let _ = writeln!(io::stderr(), "{report}");
        }
    }
}

/// Prints each panic from now on, worded by `report`, on the restored terminal instead of into the console's screen. To
/// be called on the thread that draws.
pub fn restore_on_panic(report: impl Fn(&PanicHookInfo<'_>) -> String + Send + Sync + 'static) {
    let draws = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        let report = report(panic);
        if std::thread::current().id() == draws {
            give_back();
        } else if OURS.load(Ordering::SeqCst) {
            // A task's panic is carried to the loop, which ends the program: until then the console keeps the terminal.
            let mut unsaid = UNSAID.lock().unwrap_or_else(PoisonError::into_inner);
            if unsaid.len() < MOST_UNSAID {
                unsaid.push(report);
            }
            return;
        }
        let _ = writeln!(io::stderr(), "{report}");
    }));
}

/// Runs a console on the terminal until the operator quits or a signal ends the program.
pub async fn run(console: Console) -> Result<Ended> {
    let mut signals = Signals::listen().wrap_err("cannot listen for signals")?;
    let mut screen = Screen::enter().wrap_err("cannot take over the terminal")?;
    let events = events().wrap_err("cannot read the terminal")?;
    let ended = drive(console, &mut screen, events, signals.next()).await;
    drop(screen);
    ended
}

/// The terminal's events as messages. The stream ends when the terminal is gone.
pub fn events() -> io::Result<impl Stream<Item = io::Result<Msg>>> {
    let size = || crossterm::terminal::size().map(|(columns, rows)| Msg::Resized(columns, rows));
    input::events(size, switch_protocol_on)
}
