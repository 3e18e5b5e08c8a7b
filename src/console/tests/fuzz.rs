//! Random messages into the core, each screen drawn after each of them: no panic, nothing on the screen that a terminal
//! would obey, no hidden value in a cell, and no act without a key.
//!
//! `PROPTEST_CASES=100000 cargo test --release --lib console::tests::fuzz` runs a long one; a case is some sixty
//! messages.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::diff;
use super::diff::{SECRET, definition};
use super::safety::has_clean_cells;
use super::{draw, glyphs, plain};
use crate::console::keymap::{BINDINGS, Key};
use crate::console::message::{Effect, Msg, Now};
use crate::console::state::Model;
use crate::console::update;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::snapshot::{Answer, Query};
use crate::testkit::consoles;
use crate::testkit::worlds::{NativeScene, Scene, native_scene, scene};

/// One thing that happens to a console.
#[derive(Debug, Clone)]
enum Step {
    /// A message that is the same whatever came before it.
    Sent(Box<Msg>),
    /// The clock goes by so many seconds, perhaps backwards.
    Clock(i64),
    /// One of the queries that were asked for fails.
    Failed(Index, FaultKind, String),
    /// Both revisions are described, perhaps with values that nobody wants to see any more.
    Described(bool),
    /// The account is another one.
    World(Box<Scene>),
    /// The account is another one, with a native release.
    Native(Box<NativeScene>),
}

fn sent(message: Msg) -> Step {
    Step::Sent(Box::new(message))
}

fn key() -> impl Strategy<Value = Key> {
    let bound: Vec<_> = BINDINGS.iter().flat_map(|binding| binding.keys).copied().collect();
    let likely = select(vec![Key::Char('R'), Key::Char('y'), Key::Enter, Key::Esc, Key::Char('P')]);
    let any = prop_oneof![
        any::<char>().prop_map(Key::Char),
        any::<char>().prop_map(Key::Ctrl),
        select(vec![Key::Backspace, Key::Delete, Key::Other]),
    ];
    // `v` shows hidden values: that is what it is for.
    prop_oneof![5 => select(bound), 2 => likely, 1 => any].prop_filter("shows values", |key| *key != Key::Char('v'))
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof!["(?s).{0,80}", Just("\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}R y\n".repeat(9)), Just("界".repeat(70))]
}

fn fault() -> impl Strategy<Value = FaultKind> {
    use FaultKind::{
        Changed, Denied, Expired, Garbled, NoCredentials, NotFound, Server, Throttled, Unanswered, Unreachable,
    };
    select(vec![Changed, Denied, Expired, Garbled, NoCredentials, NotFound, Server, Throttled, Unanswered, Unreachable])
}

fn step() -> impl Strategy<Value = Step> {
    let clock = prop_oneof![0i64..90, -4_000i64..4_000, Just(-86_400i64 * 400), Just(86_400i64 * 4_000)];
    prop_oneof![
        24 => key().prop_map(Msg::Key).prop_map(sent),
        3 => hostile().prop_map(Msg::Paste).prop_map(sent),
        2 => (1u16..160, 1u16..50).prop_map(|(columns, rows)| sent(Msg::Resized(columns, rows))),
        1 => any::<bool>().prop_map(Msg::Focus).prop_map(sent),
        8 => Just(sent(Msg::Drawn)),
        4 => Just(sent(Msg::Tick)),
        1 => Just(sent(Msg::Resumed)),
        1 => hostile().prop_map(Msg::Trouble).prop_map(sent),
        4 => clock.prop_map(Step::Clock),
        6 => (any::<Index>(), fault(), hostile()).prop_map(|(index, kind, text)| Step::Failed(index, kind, text)),
        4 => any::<bool>().prop_map(Step::Described),
        2 => scene().prop_map(|scene| Step::World(Box::new(scene))),
        2 => native_scene().prop_map(|scene| Step::Native(Box::new(scene))),
    ]
}

/// The messages of a step.
fn messages(step: Step, at: Timestamp, asked_for: &[Query]) -> Vec<Msg> {
    let read = |query, answer| Msg::Read { asked: at, query, answer };
    match step {
        Step::Sent(message) => vec![*message],
        Step::Clock(_) => vec![Msg::Tick],
        Step::Failed(index, kind, text) => {
            let query = if asked_for.is_empty() { Query::Services } else { index.get(asked_for).clone() };
            let fault = Fault::new(kind, query.operation(), "prod", text);
            vec![read(query, Err(fault))]
        }
        Step::Described(values) => [41, 42]
            .map(|revision| {
                let described = definition(revision, values);
                let query = Query::Definition { arn: described.arn.clone(), reveal: values };
                read(query, Ok(Answer::Definition(Box::new(described))))
            })
            .to_vec(),
        Step::World(scene) => vec![
            read(Query::Services, Ok(Answer::Services(scene.services()))),
            read(Query::Routes, Ok(Answer::Routes(scene.routes()))),
        ],
        Step::Native(scene) => vec![read(Query::Services, Ok(Answer::Services(vec![scene.service()])))],
    }
}

/// Whether a console may send something without a key: automatic promotion is on, or a rollback waits for AWS.
fn acts_by_itself(model: &Model) -> bool {
    !model.operations.automatic.is_empty() || !model.operations.pending.is_empty()
}

fn played(mut model: Model, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut asked_for = Vec::new();
    for step in steps {
        let mut at = model.observed.now.at;
        if let Step::Clock(seconds) = step {
            at = at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(at);
        }
        for message in messages(step, at, &asked_for) {
            let may_act = matches!(message, Msg::Key(_)) || acts_by_itself(&model);
            for effect in update(&mut model, Now::new(at), message) {
                prop_assert!(!format!("{effect:?}").contains(SECRET), "{effect:?}");
                match effect {
                    Effect::Read(query) => asked_for.push(query),
                    Effect::Execute { plan, .. } => prop_assert!(may_act, "sent without a key: {plan:#?}"),
                    _ => {}
                }
            }
        }
        let drawn = draw(&model, &plain());
        has_clean_cells(&drawn, &plain());
        let text = glyphs(&drawn);
        prop_assert!(!text.contains(SECRET), "{text}");
    }
    Ok(())
}

/// The consoles that a session may begin with.
const OPEN: [fn((u16, u16)) -> Model; 6] =
    [consoles::bad, consoles::waiting, consoles::native_paused, consoles::silent, consoles::logged, diff::open];

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_message_breaks_the_console_or_acts_without_a_key(
        open in select(OPEN.to_vec()),
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        played(open((80, 24)), steps)?;
    }
}
