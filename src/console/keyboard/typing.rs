//! Keys that a hand pressed, told from text that came as keys. An acting key waits until it is known to stand alone;
//! a burst is a paste without brackets.

use std::time::Duration;

use super::decoder::Input;
use crate::console::keymap;
use crate::console::keymap::Key;
use crate::console::message::Msg;

/// An acting key stands alone: no other key comes this long before it, nor this long after it.
const APART: Duration = Duration::from_millis(25);
/// No key acts for this long after `esc`, after a burst, or after a sequence: they may be parts of one.
const QUIET: Duration = Duration::from_millis(150);
/// Letters of one read that are keys still, where none of them acts: a slow line brings two presses at once.
const TYPED_AHEAD: usize = 2;
/// The same key again within this time is a key that is held down.
const HELD_DOWN: Duration = Duration::from_millis(120);

/// The state between two reads.
#[derive(Debug, Clone, Default)]
pub(super) struct Typing {
    /// The last key, and when it came.
    last: Option<(Duration, Key)>,
    /// An acting key that waits, and since when.
    waiting: Option<(Duration, Key)>,
    /// When the last burst, paste or sequence was.
    burst: Option<Duration>,
    /// When `esc` was last pressed.
    escaped: Option<Duration>,
}

/// Whether a key may act, or say yes: such a key waits.
fn waits(key: Key) -> bool {
    matches!(key, Key::Enter | Key::Char('y')) || keymap::acts(key)
}

/// Whether a key is no part of a text.
fn edits(key: Key) -> bool {
    !matches!(key, Key::Char(_) | Key::Enter)
}

/// Whether a key that is held down goes on.
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
    /// Takes what came with one read.
    pub(super) fn read(&mut self, at: Duration, inputs: Vec<Input>) -> Vec<Msg> {
        let mut msgs: Vec<Msg> = self.let_go(at).into_iter().collect();
        let mut keys = Vec::new();
        // A burst goes on until nothing came for a while; what comes with a paste is part of it.
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

    /// When the key that waits is known to stand alone.
    pub(super) fn due(&self) -> Option<Duration> {
        self.waiting.map(|(since, _)| since + APART)
    }

    fn close(&self, at: Duration) -> bool {
        self.last.is_some_and(|(last, _)| at.saturating_sub(last) < APART)
    }

    /// Whether letters go on with a text that has begun.
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

    /// Takes keys for text, with the one that waited for them.
    fn refuse(&mut self, at: Duration, keys: &[Key]) -> Option<Msg> {
        let waited = self.waiting.take().map(|(_, key)| key);
        let text = text(&waited.into_iter().chain(keys.iter().copied()).collect::<Vec<_>>());
        // One key that came too early begins no burst: the next press of it may act.
        if waited.is_some() || keys.len() > 1 || self.close(at) {
            self.burst = Some(at);
        }
        self.last = keys.last().map(|key| (at, *key)).or(self.last);
        (!text.trim_end_matches('\n').is_empty()).then_some(Msg::Paste(text))
    }

    /// Keys of one read that only look: a mark that moves on while its key is held down.
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
            // The wait would be over, were this key not close behind.
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

/// Whether keys that came at once are no text: none of them acts, and there are few letters, or one held down. An enter
/// among them is not heard.
fn look_only(keys: &[Key]) -> bool {
    let same = keys.windows(2).all(|pair| matches!(pair, [one, other] if one == other));
    let letters = keys.iter().filter(|key| !edits(**key) && !moves(**key)).count();
    keys.iter().all(|key| !waits(*key) || *key == Key::Enter) && (same || letters <= TYPED_AHEAD)
}
