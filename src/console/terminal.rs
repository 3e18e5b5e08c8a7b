//! The terminal: the only file that knows crossterm. Whatever happens, it is given back as it was.

use std::io::{self, Stdout, Write};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use color_eyre::eyre::{Result, WrapErr};
use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange, Event, EventStream, KeyCode,
    KeyEvent, KeyEventKind, KeyModifiers, KeyboardEnhancementFlags, PopKeyboardEnhancementFlags,
    PushKeyboardEnhancementFlags,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{execute, queue};
use futures::{Stream, StreamExt, future};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;

use super::event_loop::{Canvas, Console, drive};
use super::keymap::Key;
use super::message::Msg;
use super::signals::{Ended, Signals};

/// Whether the terminal is ours now; giving it back twice, or from a panic, must do no harm.
static OURS: AtomicBool = AtomicBool::new(false);
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
    // Where the terminal can tell a repeat from a press, let it; others ignore this.
    let _ = execute!(
        out,
        PushKeyboardEnhancementFlags(
            KeyboardEnhancementFlags::REPORT_EVENT_TYPES | KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES
        )
    );
    Ok(())
}

/// Gives the terminal back as it was. Harmless when it is not ours.
pub fn give_back() {
    if OURS.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        let _ = execute!(out, PopKeyboardEnhancementFlags);
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
    let ended = drive(console, &mut screen, events(), signals.next()).await;
    drop(screen);
    ended
}

/// The terminal's events as messages. `None` ends it: the terminal is gone.
pub fn events() -> impl Stream<Item = io::Result<Msg>> {
    EventStream::new().filter_map(|event| future::ready(event.map(translate).transpose()))
}

fn translate(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) => pressed(key).map(Msg::Key),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(columns, rows) => Some(Msg::Resized(columns, rows)),
        Event::FocusGained => Some(Msg::Focus(true)),
        Event::FocusLost => Some(Msg::Focus(false)),
        Event::Mouse(_) => None,
    }
}

/// Presses only: a key that is held down is pressed once.
fn pressed(event: KeyEvent) -> Option<Key> {
    (event.kind == KeyEventKind::Press).then(|| translate_key(event))
}

/// Every key is one to the core: any of them stops a countdown.
fn translate_key(event: KeyEvent) -> Key {
    match event.code {
        KeyCode::Char(c) if event.modifiers.contains(KeyModifiers::CONTROL) => Key::Ctrl(c.to_ascii_lowercase()),
        KeyCode::Char(_)
            if event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META) =>
        {
            Key::Other
        }
        KeyCode::Char(c) if event.modifiers.contains(KeyModifiers::SHIFT) => {
            Key::Char(c.to_uppercase().next().unwrap_or(c))
        }
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        _ => Key::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_press_reaches_the_core_and_what_is_not_known_means_nothing_there() {
        let with = |code, modifiers| translate(Event::Key(KeyEvent::new(code, modifiers)));
        let plain = |code| with(code, KeyModifiers::NONE);
        let other = Some(Msg::Key(Key::Other));
        for code in [KeyCode::F(1), KeyCode::F(12), KeyCode::Insert, KeyCode::BackTab, KeyCode::Menu, KeyCode::Null] {
            assert_eq!(plain(code), other, "{code:?}");
        }
        for modifiers in [KeyModifiers::ALT, KeyModifiers::SUPER, KeyModifiers::META] {
            assert_eq!(with(KeyCode::Char('R'), modifiers), other, "{modifiers:?}: not R");
        }
        assert_eq!(plain(KeyCode::Char('R')), Some(Msg::Key(Key::Char('R'))));
        assert_eq!(with(KeyCode::Char('r'), KeyModifiers::SHIFT), Some(Msg::Key(Key::Char('R'))));
        assert_eq!(with(KeyCode::Char('C'), KeyModifiers::CONTROL), Some(Msg::Key(Key::Ctrl('c'))));
        for kind in [KeyEventKind::Repeat, KeyEventKind::Release] {
            let event = KeyEvent::new_with_kind(KeyCode::F(1), KeyModifiers::NONE, kind);
            assert_eq!(translate(Event::Key(event)), None, "{kind:?}");
        }
    }
}
