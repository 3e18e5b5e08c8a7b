//! The console's names of what an operator can do.

use crate::domain::wording::{Act, Wording};

/// Acts are called by their keys.
pub(crate) const KEYS: Wording = Wording::new(key);

const fn key(act: Act) -> Option<&'static str> {
    Some(match act {
        Act::Start => "S",
        Act::Step => "P",
        Act::Weight => "W",
        Act::Finish => "F",
        Act::Rollback => "R",
        Act::RollbackTo => "enter in the history (h)",
        Act::RollbackToChoice => "R and c",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keymap::{Action, BINDINGS, Key};

    #[test]
    fn an_act_is_called_by_the_key_that_performs_it() {
        let acts = [
            (Act::Start, Action::Start),
            (Act::Step, Action::Step),
            (Act::Weight, Action::Weight),
            (Act::Finish, Action::Finish),
            (Act::Rollback, Action::Rollback),
        ];
        for (act, action) in acts {
            let bound = BINDINGS.iter().find(|binding| binding.action == action).unwrap();
            let Key::Char(letter) = bound.keys[0] else { panic!("{action:?} has no letter") };
            assert_eq!(key(act), Some(letter.to_string().as_str()), "{act:?}");
        }
    }
}
