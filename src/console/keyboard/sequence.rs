//! The meaning of one escape sequence, as xterm, the Linux console and the kitty keyboard protocol define it.

use crate::console::keymap::Key;

/// The meaning of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sequence {
    /// A key was pressed.
    Key(Key),
    /// A key is held down.
    Repeat(Key),
    /// The terminal came to the front, or left it.
    Focus(bool),
    /// The flags of the kitty keyboard protocol that are on.
    Protocol(u8),
    /// A release, or a key that only modifies others.
    Nothing,
    /// A reply or report.
    Other,
}

const SHIFT: u32 = 1;
const CTRL: u32 = 4;
/// Alt, super, hyper and meta.
const MEANINGLESS: u32 = 2 | 8 | 16 | 32;
const CAPS_LOCK: u32 = 64;

/// `ESC O` and its final byte.
pub(super) fn single_shift(last: u8) -> Sequence {
    Sequence::Key(arrow(last).unwrap_or(Key::Other))
}

/// `ESC [`, its parameters and its final byte.
pub(super) fn control_sequence(parameters: &[u8], last: u8) -> Sequence {
    let Ok(text) = std::str::from_utf8(parameters) else { return Sequence::Other };
    match (text, last) {
        ("", b'I') => return Sequence::Focus(true),
        ("", b'O') => return Sequence::Focus(false),
        ("", b'P' | b'Q' | b'R' | b'S' | b'E') | ("[", _) => return Sequence::Key(Key::Other),
        (_, b'u') if text.starts_with('?') => {
            return text.get(1..).and_then(|flags| flags.parse().ok()).map_or(Sequence::Other, Sequence::Protocol);
        }
        _ => {}
    }
    // A private marker or an intermediate byte: a reply.
    if !text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':')) {
        return Sequence::Other;
    }
    let field = |index: usize| text.split(';').nth(index).unwrap_or_default();
    let number = |text: &str| text.split(':').next().and_then(|first| first.parse::<u32>().ok());
    let (first, modifiers) = (number(field(0)), Modifiers::of(field(1)));
    match last {
        b'u' => kitty(field(0), &modifiers, field(2)),
        b'~' if first == Some(27) => kitty(field(2), &modifiers, ""),
        b'~' => modifiers.key(match first {
            Some(1 | 7) => Key::Home,
            Some(3) => Key::Delete,
            Some(4 | 8) => Key::End,
            Some(5) => Key::PageUp,
            Some(6) => Key::PageDown,
            Some(2 | 11..=34) => Key::Other,
            _ => return Sequence::Other,
        }),
        b'Z' | b'E' | b'P' | b'Q' | b'S' => modifiers.key(Key::Other),
        _ => arrow(last).map_or(Sequence::Other, |key| modifiers.key(key)),
    }
}

fn arrow(last: u8) -> Option<Key> {
    Some(match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'F' => Key::End,
        b'H' => Key::Home,
        _ => return None,
    })
}

/// `modifiers:kind`, where 1 stands for no modifier.
struct Modifiers {
    bits: u32,
    kind: u32,
}

impl Modifiers {
    fn of(field: &str) -> Self {
        let mut parts = field.split(':').map(|part| part.parse::<u32>().unwrap_or(1));
        Self { bits: parts.next().unwrap_or(1).saturating_sub(1), kind: parts.next().unwrap_or(1) }
    }

    fn has(&self, bits: u32) -> bool {
        self.bits & bits != 0
    }

    fn key(&self, key: Key) -> Sequence {
        match self.kind {
            2 => Sequence::Repeat(key),
            3 => Sequence::Nothing,
            _ => Sequence::Key(key),
        }
    }
}

/// `code:shifted:base ; modifiers:kind ; text`, all but the code optional.
fn kitty(codes: &str, modifiers: &Modifiers, text: &str) -> Sequence {
    let mut codes = codes.split(':').map(|code| code.parse::<u32>().ok());
    let (code, shifted, base) = (codes.next().flatten(), codes.next().flatten(), codes.next().flatten());
    let Some(code) = code else { return Sequence::Other };
    let special = match code {
        // The lock keys and the modifiers themselves.
        57_358..=57_360 | 57_441..=57_454 => return Sequence::Nothing,
        27 => Some(Key::Esc),
        13 | 57_414 => Some(Key::Enter),
        9 if modifiers.has(SHIFT) => Some(Key::Other),
        9 => Some(Key::Tab),
        127 => Some(Key::Backspace),
        57_417 => Some(Key::Left),
        57_418 => Some(Key::Right),
        57_419 => Some(Key::Up),
        57_420 => Some(Key::Down),
        57_421 => Some(Key::PageUp),
        57_422 => Some(Key::PageDown),
        57_423 => Some(Key::Home),
        57_424 => Some(Key::End),
        57_426 => Some(Key::Delete),
        _ => None,
    };
    if let Some(key) = special {
        return modifiers.key(key);
    }
    let typed = text.split(':').next().and_then(|text| text.parse().ok()).and_then(char::from_u32);
    let Some(plain) = keypad(code).or_else(|| char::from_u32(code).filter(|_| !(57_344..=63_743).contains(&code)))
    else {
        return modifiers.key(Key::Other);
    };
    modifiers.key(if modifiers.has(MEANINGLESS) {
        Key::Other
    } else if modifiers.has(CTRL) {
        let latin = base.and_then(char::from_u32).filter(|_| !plain.is_ascii());
        Key::Ctrl(latin.unwrap_or(plain).to_ascii_lowercase())
    } else {
        let shifted = shifted.and_then(char::from_u32).or_else(|| plain.to_uppercase().next());
        let c = typed.or(shifted.filter(|_| modifiers.has(SHIFT))).unwrap_or(plain);
        // A letter that is upper case by caps lock alone was not meant to act.
        let by_lock = modifiers.has(CAPS_LOCK) && !modifiers.has(SHIFT);
        Key::Char(if by_lock { c.to_lowercase().next().unwrap_or(c) } else { c })
    })
}

fn keypad(code: u32) -> Option<char> {
    "0123456789./*-+".chars().nth(usize::try_from(code.checked_sub(57_399)?).ok()?).or(match code {
        57_415 => Some('='),
        57_416 => Some(','),
        _ => None,
    })
}
