//! A terminal under a test's control: the real program in a PTY, its output interpreted like a terminal's.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

/// Timeout of every wait. Far longer than needed on an idle machine: a test must not fail because the machine is busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that is killed when dropped.
struct Process(Box<dyn Child + Send + Sync>);

/// A program in a terminal.
pub(crate) struct Tty {
    process: Process,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// All output, in order.
    pub raw: Vec<u8>,
    /// The line discipline before the program started.
    before: String,
    /// Start time of the program.
    pub started: Instant,
    /// A home directory of the program's own.
    home: TempDir,
}

/// `tidegate demo` on a fast clock, for most tests.
pub(crate) const DEMO: [&str; 5] = ["demo", "--speed", "60", "--seed", "7"];

impl Tty {
    /// Starts tidegate.
    pub(crate) fn tidegate(words: &[&str], columns: u16, rows: u16) -> Self {
        Self::start(Path::new(env!("CARGO_BIN_EXE_tidegate")), words, columns, rows)
    }

    /// Starts any program with its own home and a cleared environment, isolated from this machine and its user.
    pub(crate) fn start(program: &Path, words: &[&str], columns: u16, rows: u16) -> Self {
        Self::start_with(program, words, &[], columns, rows)
    }

    /// Starts any program, with more variables.
    pub(crate) fn start_with(
        program: &Path,
        words: &[&str],
        variables: &[(String, String)],
        columns: u16,
        rows: u16,
    ) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(words);
        command.env_clear();
        command.env("HOME", home.path());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TERM", "xterm-256color");
        command.env("PS1", "ready> ");
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        for (name, directory) in [
            ("TIDEGATE_STATE_DIR", "audit"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
        ] {
            command.env(name, home.path().join(directory));
        }
        for (name, value) in variables {
            command.env(name, value);
        }
        command.cwd(home.path());
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let before = line_discipline(&*pair.master);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let started = Instant::now();
        let process = Process(pair.slave.spawn_command(command).unwrap());
        // Now only the program holds the other end, so its output ends with the program.
        drop(pair.slave);
        let (tell, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            loop {
                match reader.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(length) => {
                        if tell.send(buffer[..length].to_vec()).is_err() {
                            return;
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => return,
                }
            }
        });
        let screen = vt100::Parser::new(cells(rows), cells(columns), 0);
        Self { process, master: pair.master, keys, output, screen, raw: Vec::new(), before, started, home }
    }

    pub(crate) fn send(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// The text on the screen, one line per row.
    pub(crate) fn text(&self) -> String {
        self.screen.screen().contents()
    }

    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.screen.screen()
    }

    pub(crate) fn shows(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    /// The console's audit so far.
    pub(crate) fn audit(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.home.path().join("audit").join("audit.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.screen_mut().set_size(cells(rows), cells(columns));
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// Reads output until the condition holds.
    pub(crate) fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            if let Err(error) = self.read(deadline) {
                panic!("{what} never came ({error:?}); the terminal is\n{self:?}");
            }
        }
    }

    pub(crate) fn until_shows(&mut self, text: &str) {
        self.until(text, |tty| tty.shows(text));
    }

    /// Reads output for a while, because an operator reads a question before answering.
    pub(crate) fn look_on(&mut self, span: Duration) {
        let deadline = Instant::now() + span;
        while self.read(deadline).is_ok() {}
    }

    /// Says yes to the question on the screen.
    pub(crate) fn confirm(&mut self) {
        self.look_on(Duration::from_millis(400));
        self.send("y");
    }

    fn read(&mut self, deadline: Instant) -> Result<(), RecvTimeoutError> {
        let bytes = self.output.recv_timeout(deadline.saturating_duration_since(Instant::now()))?;
        self.screen.process(&bytes);
        self.raw.extend(bytes);
        Ok(())
    }

    /// Presses `q`, and presses it again if the console took the first for a part of pasted text. Returns the exit
    /// code.
    pub(crate) fn quit(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            // The program may have ended already.
            let _ = self.keys.write_all(b"q").and_then(|()| self.keys.flush());
            let press = Instant::now() + Duration::from_secs(1);
            loop {
                match self.read(press) {
                    Ok(()) => {}
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return self.process.0.wait().unwrap().exit_code(),
                }
            }
        }
        panic!("it does not end; the terminal is\n{self:?}");
    }

    /// Reads output until the program ends, and returns its exit code.
    pub(crate) fn exit_code(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.read(deadline) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end; the terminal is\n{self:?}"),
            }
        }
        self.process.0.wait().unwrap().exit_code()
    }

    /// Closes the terminal, as a closed window or a lost connection does. Returns the exit code.
    pub(crate) fn close(self) -> u32 {
        let Self { mut process, master, keys, output, home: _home, .. } = self;
        // The reading thread also holds an end of the terminal. It closes that end at the next output, which the clock
        // on the console's screen causes.
        drop(output);
        drop(keys);
        drop(master);
        let mut killer = process.0.clone_killer();
        let (tell, ended) = channel();
        std::thread::spawn(move || tell.send(process.0.wait().map(|status| status.exit_code())));
        match ended.recv_timeout(PATIENCE) {
            Ok(code) => code.unwrap(),
            Err(error) => {
                let _ = killer.kill();
                panic!("it outlives its terminal: {error}");
            }
        }
    }

    /// Sends a signal to the program: `TERM`, `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let process = self.process.0.process_id().unwrap().to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &process]).status().unwrap();
        assert!(sent.success());
    }

    /// Returns true if a private mode of the terminal (DECSET) is on, according to the last sequence about that mode.
    pub(crate) fn mode(&self, number: u16) -> bool {
        let last = |end: char| {
            let sequence = format!("\x1b[?{number}{end}").into_bytes();
            self.raw.windows(sequence.len()).rposition(|window| *window == *sequence)
        };
        last('h') > last('l')
    }

    /// Returns true if the line discipline is restored.
    pub(crate) fn cooked(&self) -> bool {
        line_discipline(&*self.master) == self.before
    }

    /// Asserts that the console has taken over the terminal.
    pub(crate) fn assert_taken(&self) {
        let screen = self.screen();
        assert!(screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste(), "{self:?}");
        assert!(self.mode(1004) && !self.cooked(), "{self:?}");
    }

    /// Asserts that the terminal is restored for a shell.
    pub(crate) fn assert_given_back(&self) {
        let screen = self.screen();
        assert!(!screen.alternate_screen(), "alternate screen: {self:?}");
        assert!(!screen.hide_cursor(), "cursor: {self:?}");
        assert!(!screen.bracketed_paste(), "bracketed paste: {self:?}");
        assert!(!self.mode(1004), "focus reporting: {self:?}");
        assert!(!self.mode(2026), "synchronized update: {self:?}");
        let count = |sequence: &[u8]| self.raw.windows(sequence.len()).filter(|window| *window == sequence).count();
        assert_eq!(count(b"\x1b[>"), count(b"\x1b[<1u"), "keyboard protocol: {self:?}");
        assert!(self.cooked(), "raw mode: {}", line_discipline(&*self.master));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Only while the process runs: its id may belong to another process afterwards.
        if let Ok(None) = self.0.try_wait() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

impl fmt::Debug for Tty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tail = &self.raw[self.raw.len().saturating_sub(300)..];
        writeln!(f, "{}", self.text())?;
        write!(f, "last output: {:?}", String::from_utf8_lossy(tail))
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("a terminal has cells")
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

/// Raw mode and all other settings of the terminal driver for input and output.
fn line_discipline(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios())
}
