use super::*;
use crate::console::keymap::Key;

/// A keyboard that is fed reads, each so many milliseconds after the last one.
fn heard(reads: &[(u64, &[u8])]) -> Vec<Msg> {
    let (mut keyboard, mut at, mut msgs) = (Keyboard::default(), Duration::from_secs(1), Vec::new());
    for (gap, bytes) in reads {
        let next = at + Duration::from_millis(*gap);
        while let Some(due) = keyboard.due().filter(|due| *due <= next) {
            msgs.extend(keyboard.wake(due));
        }
        at = next;
        msgs.extend(keyboard.read(at, bytes));
    }
    while let Some(due) = keyboard.due() {
        msgs.extend(keyboard.wake(due));
    }
    msgs
}

fn keys(reads: &[(u64, &[u8])]) -> Vec<Key> {
    let key = |msg| match msg {
        Msg::Key(key) => Some(key),
        _ => None,
    };
    heard(reads).into_iter().filter_map(key).collect()
}

fn pasted(text: &str) -> Msg {
    Msg::Paste(text.to_owned())
}

const R: Key = Key::Char('R');
const J: Key = Key::Char('j');

#[test]
fn an_acting_key_acts_alone() {
    let table: [(&[(u64, &[u8])], Vec<Msg>); 17] = [
        (&[(0, b"R")], vec![Msg::Key(R)]),
        (&[(0, b"y")], vec![Msg::Key(Key::Char('y'))]),
        (&[(0, b"\r")], vec![Msg::Key(Key::Enter)]),
        (&[(0, b"Rollback please")], vec![pasted("Rollback please")]),
        (&[(0, b"R"), (5, b"ollback")], vec![pasted("R"), pasted("ollback")].into_iter().collect()),
        (&[(0, b"j"), (24, b"R")], vec![Msg::Key(J), pasted("R")]),
        (&[(0, b"j"), (25, b"R")], vec![Msg::Key(J), Msg::Key(R)]),
        (&[(0, b"R"), (25, b"j")], vec![Msg::Key(R), Msg::Key(J)]),
        (&[(0, b"ok R")], vec![pasted("ok R")]),
        // The last letter of a text whose reads are apart.
        (&[(0, b"roll"), (100, b"R")], vec![pasted("roll"), pasted("R")]),
        (&[(0, b"roll"), (200, b"R")], vec![pasted("roll"), Msg::Key(R)]),
        (&[(0, b"checkout\r")], vec![pasted("checkout\n")]),
        // What is not answered to at once is answered to at the next press.
        (&[(0, b"roll"), (100, b"R"), (140, b"R")], vec![pasted("roll"), pasted("R"), Msg::Key(R)]),
        (&[(0, b"RR")], vec![pasted("RR")]),
        (&[(0, b"jjj")], vec![Msg::Key(J); 3]),
        // The first byte of a letter follows, and its last one later.
        (&[(0, b"R"), (21, b"\xc3"), (20, b"\xa9")], vec![pasted("R"), Msg::Key(Key::Char('é'))]),
        (&[(0, "é".as_bytes()), (50, b"\xc3"), (1, b"\xa9")], vec![Msg::Key(Key::Char('é')), Msg::Key(Key::Char('é'))]),
    ];
    for (reads, expected) in table {
        let heard = heard(reads);
        let joined = |msgs: &[Msg]| {
            let mut all: Vec<Msg> = Vec::new();
            for msg in msgs {
                match (all.last_mut(), msg) {
                    (Some(Msg::Paste(before)), Msg::Paste(text)) => before.push_str(text),
                    _ => all.push(msg.clone()),
                }
            }
            all
        };
        assert_eq!(joined(&heard), joined(&expected), "{reads:?}");
    }
}

#[test]
fn keys_that_only_look_are_heard_as_fast_as_they_are_pressed() {
    let pressed = |text: &str| text.chars().map(Key::Char).collect::<Vec<_>>();
    assert_eq!(keys(&[(0, b"r"), (3, b"q")]), pressed("rq"));
    assert_eq!(keys(&[(0, b"tl")]), pressed("tl"), "two at once, over a slow line");
    assert_eq!(heard(&[(0, b"tlq")]), [pasted("tlq")]);
    assert_eq!(keys(&[(0, b"\t\t\tq")]), [Key::Tab, Key::Tab, Key::Tab, Key::Char('q')]);
    // Soon after a paste, but not with it.
    assert_eq!(heard(&[(0, b"\x1b[200~x\x1b[201~"), (40, b"?")]), [pasted("x"), Msg::Key(Key::Char('?'))]);
    assert_eq!(keys(&[(0, b"\r"), (1, b"?")]), pressed("?"), "enter is heard alone only");
    assert_eq!(keys(&[(0, b"\r?")]), pressed("?"));
    assert_eq!(keys(&[(0, b"\x1b"), (30, b"\r")]), [Key::Esc, Key::Enter]);
    // Letters that follow an acting key, or one another in a text, are text.
    assert_eq!(keys(&[(0, b"R"), (5, b"ol"), (5, b"q")]), []);
}

#[test]
fn a_key_that_only_looks_is_never_delayed() {
    for bytes in [&b"j"[..], b"k", b"\x1b[A", b"\x1b[6~", b"\x1b", b"t", b"q", b"\x03", b"\x1b[106u"] {
        let mut keyboard = Keyboard::default();
        assert!(matches!(keyboard.read(Duration::from_secs(1), bytes)[..], [Msg::Key(_)]), "{bytes:?}");
        assert_eq!(keyboard.due(), None, "{bytes:?}");
    }
    let mut keyboard = Keyboard::default();
    assert_eq!(keyboard.read(Duration::ZERO, b"R"), []);
    assert!(keyboard.due().unwrap() <= Duration::from_millis(30));
}

#[test]
fn a_key_that_is_held_down_moves_on_but_acts_once() {
    let down = |byte: &'static [u8], count| [vec![(0, byte), (400, byte)], vec![(33, byte); count]].concat();
    assert_eq!(keys(&down(b"R", 30)), [R, R], "the second is the first repeat, which came after a pause");
    assert_eq!(keys(&down(b"j", 30)).len(), 32);
    assert_eq!(keys(&[vec![(0, &b"R"[..])], vec![(33, &b"R"[..]); 9]].concat()), [R]);
    // A terminal that tells a repeat from a press.
    assert_eq!(keys(&[(0, b"\x1b[82;2u"), (400, b"\x1b[82;2:2u"), (33, b"\x1b[82;2:2u"), (9, b"\x1b[82;2:3u")]), [R]);
    assert_eq!(keys(&[(0, b"\x1b[106u"), (400, b"\x1b[106;1:2u"), (9, b"\x1b[106;1:3u")]), [J, J]);
}

/// Sequences that are no key of the operator's.
const REPLIES: [&[u8]; 14] = [
    b"\x1bP>|xterm(390)R\x1b\\",
    b"\x1bP>|Py R WezTerm\x07",
    b"\x1b]11;rgb:ffff/ffff/PPPP\x07",
    b"\x1b]11;rgb:RRRR/ffff/ffff\x1b\\",
    b"\x1b]52;c;UnkR\x1b\\",
    b"\x1b_GOK;yR\x1b\\",
    b"\x1b[?64;1;2;22c",
    b"\x1b[>41;354;0c",
    b"\x1b[24;80R",
    b"\x1b[?2026;2$y",
    b"\x1b[4;600;800t",
    b"\x1b[?997;1n",
    b"\x1b[<0;10;20M",
    b"\x1b[M R!",
];

#[test]
fn replies_to_the_queries_of_other_programs_are_swallowed_whole_and_in_pieces() {
    for reply in REPLIES {
        assert_eq!(heard(&[(0, reply)]), [], "{:?}", String::from_utf8_lossy(reply));
        // Then the next key is one again.
        assert_eq!(heard(&[(0, reply), (160, b"R")]), [Msg::Key(R)], "{:?}", String::from_utf8_lossy(reply));
        for gap in [0, 1, 30, 100, 140] {
            let pieces: Vec<(u64, &[u8])> = reply.chunks(1).map(|byte| (gap, byte)).collect();
            let heard = keys(&pieces);
            assert_eq!(heard, [Key::Esc], "a lone esc is one at once: {:?}", String::from_utf8_lossy(reply));
            for at in 2..reply.len() {
                let (one, other) = reply.split_at(at);
                assert_eq!(keys(&[(0, one), (gap, other)]), [], "{at} {:?}", String::from_utf8_lossy(reply));
            }
        }
    }
}

#[test]
fn a_function_key_in_pieces_acts_no_more_than_whole() {
    let whole: [&[u8]; 7] =
        [b"\x1bOR", b"\x1bOP", b"\x1b[1;2R", b"\x1b[1;2P", b"\x1b[[A", b"\x1b[114;2u", b"\x1b[27;2;82~"];
    for bytes in whole {
        for gap in [0, 1, 10, 30, 100, 200] {
            let pieces: Vec<(u64, &[u8])> = bytes.chunks(1).map(|byte| (gap, byte)).collect();
            assert_eq!(keys(&pieces), [Key::Esc], "{gap} {bytes:?}");
            let (esc, rest) = bytes.split_at(1);
            assert_eq!(keys(&[(0, esc), (gap, rest)]), [Key::Esc], "{gap} {bytes:?}");
        }
    }
    assert_eq!(keys(&[(0, b"\x1bOR"), (200, b"\x1b[1;2Q")]), [Key::Other, Key::Other]);
}

#[test]
fn no_key_acts_soon_after_a_lone_esc() {
    assert_eq!(heard(&[(0, b"\x1b"), (149, b"R")]), [Msg::Key(Key::Esc), pasted("R")]);
    assert_eq!(keys(&[(0, b"\x1b"), (150, b"R")]), [Key::Esc, R]);
    assert_eq!(keys(&[(0, b"\x1b"), (160, b"P")]), [Key::Esc, Key::Char('P')]);
    assert_eq!(keys(&[(0, b"\x1b"), (400, b"O"), (200, b"R")]), [Key::Esc, Key::Char('O'), R]);
    assert_eq!(keys(&[(0, b"\x1bR")]), [Key::Other], "alt-R");
    // What never ends holds no key up for long.
    for begun in [&b"\x1b["[..], b"\x1bO", b"\x1b]11;rgb", b"\x1b[?2026", b"\x1bP"] {
        assert_eq!(keys(&[(0, begun), (400, b"R")]), [R], "{begun:?}");
    }
    assert_eq!(heard(&[(0, b"\x1b[200~lost"), (3_000, b"R")]), [pasted("lost"), Msg::Key(R)]);
}

#[test]
fn bracketed_paste_is_text_however_it_comes() {
    let text = b"\x1b[200~R\nPy\x1bOR\x1b[201~";
    assert_eq!(heard(&[(0, text)]), [pasted("R\nPy\u{1b}OR")]);
    for at in 2..text.len() {
        let (one, other) = text.split_at(at);
        assert_eq!(heard(&[(0, one), (400.min(at as u64 * 40), other)]).last(), Some(&pasted("R\nPy\u{1b}OR")), "{at}");
    }
    assert_eq!(keys(&[(0, b"\x1b[200~x\x1b[201~R"), (10, b"y")]), []);
    assert_eq!(keys(&[(0, b"\x1b[200~x\x1b[201~"), (100, b"R")]), []);
}

#[test]
fn caps_lock_is_no_shift() {
    let only = |bytes| keys(&[(0, bytes)]);
    assert_eq!(only(b"\x1b[114;65u"), [Key::Char('r')]);
    assert_eq!(only(b"\x1b[114:82;65;82u"), [Key::Char('r')]);
    assert_eq!(only(b"\x1b[82;65u"), [Key::Char('r')]);
    assert_eq!(only(b"\x1b[114;193u"), [Key::Char('r')], "and num lock");
    assert_eq!(only(b"\x1b[114;2u"), [R]);
    assert_eq!(only(b"\x1b[114:82;2;82u"), [R]);
    assert_eq!(only(b"\x1b[49:33;2;33u"), [Key::Char('!')]);
    assert_eq!(only(b"\x1b[49;2;33u"), [Key::Char('!')]);
    assert_eq!(only(b"\x1b[99;5u"), [Key::Ctrl('c')]);
    assert_eq!(only(b"\x1b[1089::99;5u"), [Key::Ctrl('c')], "on a Cyrillic layout");
    assert_eq!(only(b"\x1b[114;4u"), [Key::Other], "with alt");
    assert_eq!(only(b"\x1b[57441;2u"), [], "shift alone");
    assert_eq!(keys(&[(0, b"\x1b[57441;2u"), (3, b"\x1b[114:82;2;82u"), (3, b"\x1b[57441;1:3u")]), [R]);
    assert_eq!(only(b"\x1b[13u"), [Key::Enter]);
    assert_eq!(only(b"\x1b[27u"), [Key::Esc]);
    assert_eq!(only(b"\x1b[57404u"), [Key::Char('5')], "on the keypad");
}

#[test]
fn the_terminal_tells_whether_it_supports_the_protocol() {
    let mut keyboard = Keyboard::default();
    assert_eq!(keyboard.read(Duration::ZERO, b"\x1b[?0u"), []);
    assert_eq!((keyboard.take_protocol(), keyboard.take_protocol()), (Some(0), None));
}

#[test]
fn focus_and_arrows_come_in_pieces_too() {
    assert_eq!(heard(&[(0, b"\x1b[I"), (0, b"\x1b["), (5, b"O")]), [Msg::Focus(true), Msg::Focus(false)]);
    assert_eq!(
        keys(&[(0, b"\x1b[A"), (100, b"\x1b[1;2B"), (100, b"\x1bOC"), (100, b"\x1b["), (5, b"D")]),
        [Key::Up, Key::Down, Key::Right, Key::Left]
    );
}
