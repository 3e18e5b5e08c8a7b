//! The theme: colours and characters that the terminal can show. Words or shapes repeat whatever a colour says.

use ratatui::style::{Color, Modifier, Style};
use serde::{Deserialize, Serialize};

/// The set of colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Palette {
    /// The terminal's own sixteen colours, as the operator has chosen them.
    #[default]
    Sixteen,
    /// No colours: bold, dim and reverse only (`NO_COLOR`).
    Mono,
}

/// The role of a span on the screen, which determines its style.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Plain text.
    Text,
    /// Labels, rules, and old data.
    Dim,
    /// Names and headings.
    Title,
    /// Text that should catch the eye first.
    Accent,
    /// The stable side.
    Stable,
    /// The canary.
    Canary,
    /// A good result.
    Good,
    /// A bad result.
    Bad,
    /// Something that needs attention, including an unknown that matters.
    Warn,
    /// A key cap.
    Key,
    /// A label that stands out, such as PROTECTED.
    Badge,
    /// A label for readiness.
    ReadyBadge,
    /// A label for something wrong.
    BadBadge,
    /// A label for something that is under way.
    BusyBadge,
    /// The marked line.
    Marked,
}

/// The theme of the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Theme {
    palette: Palette,
    ascii: bool,
}

impl Theme {
    /// Creates a theme with these colours; `ascii` leaves out all other characters.
    pub fn new(palette: Palette, ascii: bool) -> Self {
        Self { palette, ascii }
    }

    /// Creates the theme that the environment asks for: the values of `NO_COLOR` and `TERM`.
    pub fn detect(no_color: Option<&str>, term: Option<&str>, ascii: bool) -> Self {
        let mono = no_color.is_some_and(|value| !value.is_empty()) || term == Some("dumb");
        Self::new(if mono { Palette::Mono } else { Palette::Sixteen }, ascii)
    }

    /// Returns true if only ASCII is drawn.
    pub fn ascii(&self) -> bool {
        self.ascii
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        let (colour, modifier) = match role {
            Role::Text => (None, Modifier::empty()),
            Role::Dim => (None, Modifier::DIM),
            Role::Title | Role::Key => (None, Modifier::BOLD),
            Role::Accent => (Some(Color::Cyan), Modifier::BOLD),
            Role::Stable => (Some(Color::Cyan), Modifier::empty()),
            Role::Canary => (Some(Color::LightMagenta), Modifier::empty()),
            Role::Good => (Some(Color::Green), Modifier::empty()),
            Role::Bad => (Some(Color::LightRed), Modifier::BOLD),
            Role::Warn => (Some(Color::Yellow), Modifier::empty()),
            Role::Badge => (Some(Color::Yellow), Modifier::REVERSED.union(Modifier::BOLD)),
            Role::ReadyBadge => (Some(Color::Green), Modifier::REVERSED.union(Modifier::BOLD)),
            Role::BadBadge => (Some(Color::LightRed), Modifier::REVERSED.union(Modifier::BOLD)),
            Role::BusyBadge => (Some(Color::LightBlue), Modifier::REVERSED.union(Modifier::BOLD)),
            Role::Marked => (None, Modifier::REVERSED),
        };
        match (self.palette, colour) {
            (Palette::Sixteen, Some(colour)) => Style::new().fg(colour).add_modifier(modifier),
            (Palette::Mono, Some(_)) if modifier.is_empty() && matches!(role, Role::Warn | Role::Canary) => {
                Style::new().add_modifier(Modifier::BOLD)
            }
            _ => Style::new().add_modifier(modifier),
        }
    }

    /// The style of a key cap on a filled label: the label's colours, exchanged.
    pub fn cap(&self, fill: Role) -> Style {
        self.style(fill).remove_modifier(Modifier::REVERSED)
    }

    /// `→`.
    pub fn arrow(&self) -> &'static str {
        if self.ascii { "->" } else { "→" }
    }

    /// `≥`, before a duration that is a minimum.
    pub fn at_least(&self) -> &'static str {
        if self.ascii { ">=" } else { "≥" }
    }

    /// The ASCII character closest to `c`; `c` unchanged if it is ASCII or the theme allows more.
    pub fn plain(&self, c: char) -> char {
        if !self.ascii || c.is_ascii() {
            return c;
        }
        match c {
            '▲' => '!',
            '●' => '*',
            '○' => 'o',
            '✖' => 'X',
            '✓' => 'v',
            '▸' | '→' | '≥' | '»' | '▶' | '▷' => '>',
            '█' => '#',
            '─' | '–' | '—' | '┄' | '┈' => '-',
            '━' | '═' => '=',
            '│' | '┊' | '┤' | '▏' | '▕' | '┃' => '|',
            '└' | '┌' | '┐' | '┘' | '├' | '┴' | '┬' => '+',
            '░' => ':',
            '╱' => '/',
            '·' | '⋯' => '.',
            '…' => '~',
            '×' => 'x',
            '↑' => '^',
            '↓' => 'v',
            '←' => '<',
            '’' | '‘' => '\'',
            _ => '?',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        for (no_color, term, palette) in [
            (None, Some("xterm-256color"), Palette::Sixteen),
            (Some(""), None, Palette::Sixteen),
            (Some("1"), Some("xterm"), Palette::Mono),
            (None, Some("dumb"), Palette::Mono),
        ] {
            assert_eq!(Theme::detect(no_color, term, false), Theme::new(palette, false));
        }
    }

    #[test]
    fn without_colours_no_style_has_one() {
        let theme = Theme::new(Palette::Mono, false);
        for role in [Role::Good, Role::Bad, Role::Warn, Role::Stable, Role::Canary, Role::Badge, Role::Accent] {
            assert_eq!((theme.style(role).fg, theme.style(role).bg), (None, None));
        }
    }
}
