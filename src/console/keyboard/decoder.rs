//! Decodes the bytes of a terminal into keys, pastes and reports. A sequence may arrive in any number of reads; an
//! unknown sequence is swallowed to its end.

use std::time::Duration;

use super::sequence::{Sequence, control_sequence, single_shift};
use crate::console::keymap::Key;

/// Longest gap within a sequence; after it the sequence is given up.
const GAP: Duration = Duration::from_millis(300);
/// After a lone `ESC`, `P` and `X` begin a sequence for this long; later they are keys. No other introducer is a key.
const LETTER_GAP: Duration = Duration::from_millis(150);
/// Longest duration of a reply over all its reads.
const LONGEST_REPLY: Duration = Duration::from_secs(5);
/// A paste without an end is over after this time without a byte.
const PASTE_GAP: Duration = Duration::from_secs(2);
/// Bytes kept of one paste; a text field takes far fewer.
const MOST_PASTED: usize = 64 * 1024;
/// Bytes kept of one sequence; every known sequence is shorter.
const MOST_PARAMETERS: usize = 128;

const ESC: u8 = 0x1b;
const PASTE_END: &[u8] = b"\x1b[201~";

/// One input from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// A key was pressed.
    Key(Key),
    /// A key is held down.
    Repeat(Key),
    /// Text between paste brackets.
    Paste(String),
    /// The terminal gained or lost the focus.
    Focus(bool),
    /// The terminal supports the kitty keyboard protocol; the flags that are on.
    Protocol(u8),
    /// A sequence that is not a key.
    Noise,
}

#[derive(Debug, Clone, Default)]
enum State {
    #[default]
    Ground,
    /// After `ESC`. `told`: the read ended with `ESC`, so the key was already reported.
    Escape { told: bool },
    /// After `ESC O`.
    SingleShift,
    /// After `ESC [`, with the bytes since.
    Control(Vec<u8>),
    /// In a string that `ESC \` or BEL ends: DCS, OSC, APC, PM, SOS. `escape`: its last byte is `ESC`.
    String { since: Duration, escape: bool },
    /// Between paste brackets.
    Paste(Vec<u8>),
    /// In the old mouse report, with the number of bytes to come.
    Mouse(u8),
}

/// The state between two reads.
#[derive(Debug, Clone, Default)]
pub(super) struct Decoder {
    state: State,
    /// The first bytes of a character.
    character: Vec<u8>,
    /// True if the present sequence came in more than one read: then only a movement key is accepted.
    split: bool,
    /// The time of the last read.
    last: Duration,
    at: Duration,
    inputs: Vec<Input>,
}

impl Decoder {
    /// Decodes the bytes of one read.
    pub(super) fn read(&mut self, at: Duration, bytes: &[u8]) -> Vec<Input> {
        self.at = at;
        self.give_up();
        self.split = !matches!(self.state, State::Ground);
        for (index, byte) in bytes.iter().enumerate() {
            self.byte(*byte, index + 1 < bytes.len());
        }
        self.last = at;
        std::mem::take(&mut self.inputs)
    }

    /// Returns true if some bytes of a character are still to come.
    pub(super) fn in_character(&self) -> bool {
        !self.character.is_empty()
    }

    /// Ends a paste whose end is overdue.
    pub(super) fn wake(&mut self, at: Duration) -> Vec<Input> {
        self.at = at;
        self.give_up();
        std::mem::take(&mut self.inputs)
    }

    /// The time at which an unfinished paste is taken as it is.
    pub(super) fn due(&self) -> Option<Duration> {
        matches!(self.state, State::Paste(_)).then_some(self.last + PASTE_GAP)
    }

    /// Gives up a sequence whose rest is overdue.
    fn give_up(&mut self) {
        let gap = self.at.saturating_sub(self.last);
        match &mut self.state {
            State::Paste(_) if gap < PASTE_GAP => return,
            State::Paste(text) => {
                let text = std::mem::take(text);
                self.inputs.push(Input::Paste(String::from_utf8_lossy(&text).into_owned()));
            }
            State::String { since, .. } if gap < GAP && self.at.saturating_sub(*since) < LONGEST_REPLY => return,
            State::String { .. } => {}
            _ if gap < GAP => return,
            _ => {}
        }
        self.state = State::Ground;
        self.character.clear();
    }

    fn byte(&mut self, byte: u8, more: bool) {
        match std::mem::take(&mut self.state) {
            State::Ground => self.ground(byte, more),
            State::Escape { told } => self.escape(byte, more, told),
            State::SingleShift => match byte {
                b'0'..=b'?' => self.state = State::SingleShift,
                b'@'..=b'~' => self.sequence(single_shift(byte)),
                _ => self.ground(byte, more),
            },
            State::Control(parameters) => self.control(parameters, byte, more),
            State::String { since, escape } => self.string(since, escape, byte, more),
            State::Paste(text) => self.paste(text, byte),
            State::Mouse(left) if left > 1 => self.state = State::Mouse(left - 1),
            State::Mouse(_) => self.inputs.push(Input::Noise),
        }
    }

    fn ground(&mut self, byte: u8, more: bool) {
        if !self.character.is_empty() && !matches!(byte, 0x80..=0xbf) {
            self.character.clear();
        }
        let key = match byte {
            ESC if more => return self.begin(State::Escape { told: false }),
            ESC => {
                self.begin(State::Escape { told: true });
                Key::Esc
            }
            b'\r' => Key::Enter,
            b'\t' => Key::Tab,
            0x7f => Key::Backspace,
            0x00 => Key::Ctrl(' '),
            0x01..=0x1a => Key::Ctrl(char::from(byte - 1 + b'a')),
            0x1c..=0x1f => Key::Ctrl(char::from(byte - 0x1c + b'4')),
            0x20..=0x7e => Key::Char(char::from(byte)),
            _ => return self.part_of_character(byte),
        };
        self.inputs.push(Input::Key(key));
    }

    fn begin(&mut self, state: State) {
        self.state = state;
        self.split = false;
    }

    /// Handles a byte of a character outside ASCII. A byte that begins no character is dropped.
    fn part_of_character(&mut self, byte: u8) {
        if self.character.is_empty() && matches!(byte, 0x80..=0xbf) {
            return;
        }
        self.character.push(byte);
        match std::str::from_utf8(&self.character).map(|text| text.chars().next()) {
            Ok(Some(c)) => {
                self.inputs.push(Input::Key(Key::Char(c)));
                self.character.clear();
            }
            Err(error) if error.error_len().is_none() => {}
            _ => self.character.clear(),
        }
    }

    fn escape(&mut self, byte: u8, more: bool, told: bool) {
        let letter = self.at.saturating_sub(self.last) < LETTER_GAP || !told;
        match byte {
            b'O' => self.state = State::SingleShift,
            b'[' => self.state = State::Control(Vec::new()),
            b']' | b'^' | b'_' => self.state = State::String { since: self.at, escape: false },
            b'P' | b'X' if letter => self.state = State::String { since: self.at, escape: false },
            ESC if !told => {
                self.inputs.push(Input::Key(Key::Esc));
                self.begin(State::Escape { told: true });
            }
            // The end of a reply whose beginning was given up.
            b'\\' if told => self.inputs.push(Input::Noise),
            _ if told => self.ground(byte, more),
            // A key with alt: unbound.
            _ => self.inputs.push(Input::Key(Key::Other)),
        }
    }

    fn control(&mut self, mut parameters: Vec<u8>, byte: u8, more: bool) {
        match byte {
            // The Linux console's function keys have a second bracket.
            b'[' if parameters.is_empty() => parameters.push(byte),
            b' '..=b'?' if parameters.len() < MOST_PARAMETERS => parameters.push(byte),
            b' '..=b'?' => {}
            b'~' if parameters == b"200" => return self.state = State::Paste(Vec::new()),
            b'M' if parameters.is_empty() => return self.state = State::Mouse(3),
            b'@'..=b'~' => return self.sequence(control_sequence(&parameters, byte)),
            _ => return self.ground(byte, more),
        }
        self.state = State::Control(parameters);
    }

    fn string(&mut self, since: Duration, escape: bool, byte: u8, more: bool) {
        match byte {
            // BEL, CAN, SUB.
            0x07 | 0x18 | 0x1a => self.inputs.push(Input::Noise),
            b'\\' if escape => self.inputs.push(Input::Noise),
            ESC => self.state = State::String { since, escape: true },
            // Another sequence has begun.
            _ if escape => self.escape(byte, more, false),
            _ => self.state = State::String { since, escape: false },
        }
    }

    fn paste(&mut self, mut text: Vec<u8>, byte: u8) {
        if text.len() < MOST_PASTED + PASTE_END.len() {
            text.push(byte);
        } else {
            // Only the last bytes are searched for the end.
            text.remove(MOST_PASTED);
            text.push(byte);
        }
        match text.strip_suffix(PASTE_END) {
            Some(text) => self.inputs.push(Input::Paste(String::from_utf8_lossy(text).into_owned())),
            None => self.state = State::Paste(text),
        }
    }

    fn sequence(&mut self, sequence: Sequence) {
        let moves = |key: Key| !matches!(key, Key::Char(_) | Key::Ctrl(_) | Key::Enter | Key::Esc | Key::Other);
        self.inputs.extend(match sequence {
            Sequence::Key(key) | Sequence::Repeat(key) if self.split && !moves(key) => Some(Input::Noise),
            Sequence::Key(key) => Some(Input::Key(key)),
            Sequence::Repeat(key) => Some(Input::Repeat(key)),
            Sequence::Focus(focus) => Some(Input::Focus(focus)),
            Sequence::Protocol(flags) => Some(Input::Protocol(flags)),
            Sequence::Other => Some(Input::Noise),
            Sequence::Nothing => None,
        });
    }
}
