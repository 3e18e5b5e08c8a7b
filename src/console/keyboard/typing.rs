//! Tells keys that an operator pressed from text that arrives as keys. An acting key waits until it is known to stand
//! alone; a burst counts as a paste without brackets.

use std::time::Duration;

use super::decoder::Input;
use crate::console::keymap;
use crate::console::keymap::Key;
use crate::console::message::Msg;

/// Shortest distance of an acting key from the keys before and after: an acting key stands alone.
const APART: Duration = Duration::from_millis(25);
/// No key acts for this long after `esc`, a burst or a sequence: the key may be part of one.
const QUIET: Duration = Duration::from_millis(150);
/// Letters in one read that still count as keys if none of them acts: a slow connection delivers two presses at once.
const TYPED_AHEAD: usize = 2;
/// A key that is repeated within this time is held down.
const HELD_DOWN: Duration = Duration::from_millis(120);

/// The state between two reads.
#[derive(Debug, Clone, Default)]
pub(super) struct Typing {
    /// The last key and its time.
    last: Option<(Duration, Key)>,
    /// An acting key that waits, and the time of its press.
    waiting: Option<(Duration, Key)>,
    /// The time of the last burst, paste or sequence.
    burst: Option<Duration>,
    /// The time of the last `esc`.
    escaped: Option<Duration>,
}

/// Returns true if a key acts or confirms; such a key waits.
fn waits(key: Key) -> bool {
    matches!(key, Key::Enter | Key::Char('y')) || keymap::acts(key)
}

/// Returns true if a key cannot be part of a text.
fn edits(key: Key) -> bool {
    !matches!(key, Key::Char(_) | Key::Enter)
}

/// Returns true if a key repeats while it is held down.
fn moves(key: Key) -> bool {
    matches!(key, Key::Char('j' | 'k')) || edits(key) && !matches!(key, Key::Esc | Key::Ctrl('c' | 'z'))
}

fn text(keys: &[Key]) -> String {
    let letter = |key: &Key| match key {
        Key::Char(c) => Some(*c),
        Key::Enter => Some('\n'),
        Key::Tab => Some('\t'),
        _ => None,
    };
    keys.iter().filter_map(letter).collect()
}

impl Typing {
    /// Takes the inputs of one read.
    pub(super) fn read(&mut self, at: Duration, inputs: Vec<Input>) -> Vec<Msg> {
        let mut msgs: Vec<Msg> = self.let_go(at).into_iter().collect();
        let mut keys = Vec::new();
        // A burst lasts until nothing arrives for a while; keys in the same read as a paste are part of the paste.
        let mut burst = inputs.iter().any(|input| matches!(input, Input::Paste(_)));
        for input in inputs {
            match input {
                Input::Key(key) => keys.push(key),
                Input::Repeat(key) if moves(key) => keys.push(key),
                Input::Repeat(key) => self.last = Some((at, key)),
                Input::Focus(focused) => msgs.push(Msg::Focus(focused)),
                Input::Protocol(_) => {}
                Input::Paste(pasted) => {
                    msgs.extend(self.refuse(at, &std::mem::take(&mut keys)));
                    msgs.push(Msg::Paste(pasted));
                    self.burst = Some(at);
                }
                Input::Noise => {
                    msgs.extend(self.refuse(at, &std::mem::take(&mut keys)));
                    self.burst = Some(at);
                    burst = true;
                }
            }
        }
        match keys.as_slice() {
            [] => {}
            [key] if !burst => self.single(at, *key, &mut msgs),
            keys if !burst && look_only(keys) && !self.in_text(at, keys) => self.several(at, keys, &mut msgs),
            keys => msgs.extend(self.refuse(at, keys)),
        }
        msgs
    }

    /// Takes the beginning of a character, whose other bytes are still to come: a key that waits does not stand alone.
    pub(super) fn followed(&mut self, at: Duration) -> Option<Msg> {
        self.waiting.is_some().then(|| self.refuse(at, &[])).flatten()
    }

    /// The time at which the waiting key is known to stand alone.
    pub(super) fn due(&self) -> Option<Duration> {
        self.waiting.map(|(since, _)| since + APART)
    }

    fn close(&self, at: Duration) -> bool {
        self.last.is_some_and(|(last, _)| at.saturating_sub(last) < APART)
    }

    /// Returns true if letters continue a text that has begun.
    fn in_text(&self, at: Duration, keys: &[Key]) -> bool {
        let acting = self.waiting.is_some_and(|(_, key)| key != Key::Enter);
        let begun = acting || self.close(at) && self.in_burst(at);
        begun && !keys.iter().all(|key| edits(*key))
    }

    fn in_burst(&self, at: Duration) -> bool {
        self.burst.is_some_and(|burst| at.saturating_sub(burst) < QUIET)
    }

    fn let_go(&mut self, at: Duration) -> Option<Msg> {
        let (_, key) = self.waiting.take_if(|(since, _)| at >= *since + APART)?;
        Some(Msg::Key(key))
    }

    /// Turns keys, and the key that waited before them, into pasted text.
    fn refuse(&mut self, at: Duration, keys: &[Key]) -> Option<Msg> {
        let waited = self.waiting.take().map(|(_, key)| key);
        let text = text(&waited.into_iter().chain(keys.iter().copied()).collect::<Vec<_>>());
        // A single key that came too early begins no burst: its next press may act.
        if waited.is_some() || keys.len() > 1 || self.close(at) {
            self.burst = Some(at);
        }
        self.last = keys.last().map(|key| (at, *key)).or(self.last);
        (!text.trim_end_matches('\n').is_empty()).then_some(Msg::Paste(text))
    }

    /// Handles the non-acting keys of one read, for example while a held key moves the mark.
    fn several(&mut self, at: Duration, keys: &[Key], msgs: &mut Vec<Msg>) {
        msgs.extend(self.refuse(at, &[]));
        for key in keys.iter().filter(|key| **key != Key::Enter) {
            self.look(at, *key, msgs);
        }
    }

    fn single(&mut self, at: Duration, key: Key, msgs: &mut Vec<Msg>) {
        let since = |then: Duration| at.saturating_sub(then);
        let close = self.close(at);
        let again = self.last.is_some_and(|(last, before)| before == key && since(last) < HELD_DOWN);
        let in_burst = self.in_burst(at);
        let after_escape = self.escaped.is_some_and(|escaped| since(escaped) < QUIET);
        if let Some((_, waited)) = self.waiting {
            // The waiting key does not stand alone: this key follows too closely.
            match edits(key) || waited == Key::Enter && !waits(key) {
                true => self.several(at, &[key], msgs),
                false => msgs.extend(self.refuse(at, &[key])),
            }
        } else if waits(key) && again && !in_burst {
            self.last = Some((at, key));
        } else if waits(key) && !close && !in_burst && (!after_escape || key == Key::Enter) {
            (self.waiting, self.last) = (Some((at, key)), Some((at, key)));
        } else if !waits(key) && (edits(key) || moves(key) || !(close && in_burst)) {
            self.look(at, key, msgs);
        } else {
            msgs.extend(self.refuse(at, &[key]));
        }
    }

    fn look(&mut self, at: Duration, key: Key, msgs: &mut Vec<Msg>) {
        if key == Key::Esc {
            self.escaped = Some(at);
        }
        self.last = Some((at, key));
        msgs.push(Msg::Key(key));
    }
}

/// Returns true if keys of one read are not text: none of them acts, and they are few letters or one key held down. An
/// enter among them is dropped.
fn look_only(keys: &[Key]) -> bool {
    let same = keys.windows(2).all(|pair| matches!(pair, [one, other] if one == other));
    let letters = keys.iter().filter(|key| !edits(**key) && !moves(**key)).count();
    keys.iter().all(|key| !waits(*key) || *key == Key::Enter) && (same || letters <= TYPED_AHEAD)
}
