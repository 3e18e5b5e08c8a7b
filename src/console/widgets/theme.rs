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
    /// Fixed colours for a dark background, of the 256 that terminals share.
    Dark,
    /// Fixed colours for a light background.
    Light,
    /// No colours: bold, dim and reverse only (`NO_COLOR`).
    Mono,
}

/// The background that the colours are for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Background {
    /// The background that the terminal names in `COLORFGBG`; without a name, the terminal's own sixteen colours.
    #[default]
    Auto,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

/// The environment's variables about the terminal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terminal<'a> {
    /// `NO_COLOR`.
    pub no_color: Option<&'a str>,
    /// `TERM`.
    pub term: Option<&'a str>,
    /// `COLORTERM`.
    pub colorterm: Option<&'a str>,
    /// `COLORFGBG`: numbers of the foreground and the background, `15;0`.
    pub colorfgbg: Option<&'a str>,
}

impl Terminal<'_> {
    fn is_mono(&self) -> bool {
        self.no_color.is_some_and(|value| !value.is_empty()) || self.term == Some("dumb")
    }

    fn has_256_colours(&self) -> bool {
        let named = |term: &str| ["256color", "direct", "kitty", "alacritty"].iter().any(|name| term.contains(name));
        self.term.is_some_and(named) || self.colorterm.is_some_and(|value| !value.is_empty())
    }

    /// The background as the terminal names it: of sixteen colours, 7 and 9 to 15 are light.
    fn background(&self) -> Option<Background> {
        match self.colorfgbg?.rsplit(';').next()?.trim().parse().ok()? {
            0..=6 | 8 => Some(Background::Dark),
            7 | 9..=15 => Some(Background::Light),
            _ => None,
        }
    }
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

    /// Creates the theme for a terminal. `background` is the operator's setting, which wins.
    pub fn detect(terminal: &Terminal<'_>, background: Background, ascii: bool) -> Self {
        let known = match background {
            Background::Auto => terminal.background(),
            set => Some(set),
        };
        let palette = match known {
            _ if terminal.is_mono() => Palette::Mono,
            Some(Background::Dark) if terminal.has_256_colours() => Palette::Dark,
            Some(Background::Light) if terminal.has_256_colours() => Palette::Light,
            _ => Palette::Sixteen,
        };
        Self::new(palette, ascii)
    }

    /// Returns true if only ASCII is drawn.
    pub fn ascii(&self) -> bool {
        self.ascii
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        let modifier = modifier(role);
        match self.palette {
            Palette::Sixteen => {
                sixteen(role).map_or(Style::new(), |colour| Style::new().fg(colour)).add_modifier(modifier)
            }
            Palette::Mono if modifier.is_empty() && matches!(role, Role::Warn | Role::Canary) => {
                Style::new().add_modifier(Modifier::BOLD)
            }
            Palette::Mono => Style::new().add_modifier(modifier),
            Palette::Dark | Palette::Light => match (filled(role), named(role, self.palette == Palette::Dark)) {
                (Some((text, fill)), _) => {
                    let style = Style::new().fg(Color::Indexed(text)).bg(Color::Indexed(fill));
                    style.add_modifier(modifier.difference(Modifier::REVERSED))
                }
                (None, Some(colour)) => Style::new().fg(Color::Indexed(colour)).add_modifier(modifier),
                (None, None) => Style::new().add_modifier(modifier),
            },
        }
    }

    /// The style of a key cap on a filled label: the label's colours, exchanged.
    pub fn cap(&self, fill: Role) -> Style {
        let style = self.style(fill);
        match (style.fg, style.bg) {
            (Some(text), Some(fill)) => Style { fg: Some(fill), bg: Some(text), ..style },
            _ => style.remove_modifier(Modifier::REVERSED),
        }
    }

    /// The background behind what may still change; `None`: the palette has no shade.
    pub fn shade(&self) -> Option<Style> {
        match self.palette {
            Palette::Dark => Some(Style::new().bg(Color::Indexed(236))),
            Palette::Light => Some(Style::new().bg(Color::Indexed(255))),
            Palette::Sixteen | Palette::Mono => None,
        }
    }

    /// The style of an outlined label: its colour without the fill.
    pub fn outline(&self, fill: Role) -> Style {
        let plain = match fill {
            Role::BadBadge => Role::Bad,
            Role::ReadyBadge => Role::Good,
            Role::BusyBadge => Role::Accent,
            _ => Role::Warn,
        };
        self.style(plain).add_modifier(Modifier::BOLD)
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

fn modifier(role: Role) -> Modifier {
    match role {
        Role::Text | Role::Stable | Role::Canary | Role::Good | Role::Warn => Modifier::empty(),
        Role::Dim => Modifier::DIM,
        Role::Title | Role::Accent | Role::Bad | Role::Key => Modifier::BOLD,
        Role::Badge | Role::ReadyBadge | Role::BadBadge | Role::BusyBadge => Modifier::REVERSED.union(Modifier::BOLD),
        Role::Marked => Modifier::REVERSED,
    }
}

/// The colour of a role among the terminal's sixteen. Each colour has one meaning: cyan is stable, magenta the canary,
/// blue keys and the focus, green good, yellow attention, red bad.
fn sixteen(role: Role) -> Option<Color> {
    Some(match role {
        Role::Text | Role::Dim | Role::Title | Role::Marked => return None,
        Role::Accent | Role::Key | Role::BusyBadge => Color::LightBlue,
        Role::Stable => Color::Cyan,
        Role::Canary => Color::LightMagenta,
        Role::Good | Role::ReadyBadge => Color::Green,
        Role::Bad | Role::BadBadge => Color::LightRed,
        Role::Warn | Role::Badge => Color::Yellow,
    })
}

/// The colour of a role on a dark or a light background, of the 256 colours that terminals share.
fn named(role: Role, dark: bool) -> Option<u8> {
    let (on_dark, on_light) = match role {
        Role::Accent | Role::Key => (111, 25),
        Role::Stable => (80, 23),
        Role::Canary => (213, 90),
        Role::Good => (78, 22),
        Role::Bad => (210, 124),
        Role::Warn => (221, 94),
        _ => return None,
    };
    Some(if dark { on_dark } else { on_light })
}

/// The text and the fill of a filled label, the same on any background.
fn filled(role: Role) -> Option<(u8, u8)> {
    match role {
        Role::BadBadge => Some((231, 124)),
        Role::BusyBadge => Some((231, 25)),
        Role::ReadyBadge => Some((231, 22)),
        Role::Badge => Some((16, 214)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_and_the_setting_wins() {
        let of = |no_color, term, colorfgbg| Terminal { no_color, term, colorfgbg, colorterm: None };
        let xterm = Some("xterm-256color");
        for (terminal, set, palette) in [
            (of(None, xterm, None), Background::Auto, Palette::Sixteen),
            (of(Some(""), None, None), Background::Auto, Palette::Sixteen),
            (of(Some("1"), Some("xterm"), None), Background::Dark, Palette::Mono),
            (of(None, Some("dumb"), None), Background::Light, Palette::Mono),
            (of(None, xterm, Some("15;0")), Background::Auto, Palette::Dark),
            (of(None, xterm, Some("0;default;15")), Background::Auto, Palette::Light),
            (of(None, xterm, Some("0;default")), Background::Auto, Palette::Sixteen),
            (of(None, xterm, Some("15;0")), Background::Light, Palette::Light),
            // Fixed colours need more than sixteen.
            (of(None, Some("linux"), Some("15;0")), Background::Dark, Palette::Sixteen),
        ] {
            assert_eq!(Theme::detect(&terminal, set, false), Theme::new(palette, false), "{terminal:?} {set}");
        }
    }

    const ROLES: [Role; 10] = [
        Role::Accent,
        Role::Stable,
        Role::Canary,
        Role::Good,
        Role::Bad,
        Role::Warn,
        Role::Key,
        Role::Badge,
        Role::ReadyBadge,
        Role::BadBadge,
    ];

    /// Backgrounds of palettes that are common: plain, VS Code, Gruvbox, Solarized, Nord, Dracula, Tokyo Night,
    /// Catppuccin, Ubuntu; One.
    const DARK: [u32; 9] = [0x000000, 0x1e1e1e, 0x282828, 0x002b36, 0x2e3440, 0x282a36, 0x1a1b26, 0x1e1e2e, 0x300a24];
    const LIGHT: [u32; 6] = [0xffffff, 0xfdf6e3, 0xfbf1c7, 0xeceff4, 0xeff1f5, 0xfafafa];

    /// One of the 256 colours above the first sixteen, as red, green and blue.
    fn cube(index: u8) -> u32 {
        if index >= 232 {
            return (8 + 10 * (u32::from(index) - 232)) * 0x01_01_01;
        }
        let level = |part: u32| if part == 0 { 0 } else { 55 + 40 * part };
        let at = u32::from(index).checked_sub(16).filter(|at| *at < 216).unwrap();
        level(at / 36) << 16 | level(at / 6 % 6) << 8 | level(at % 6)
    }

    /// The relative luminance of a colour (WCAG 2).
    fn luminance(colour: u32) -> f64 {
        let part = |shift: u32| {
            let value = f64::from(colour >> shift & 0xff) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
    }

    fn contrast(a: u32, b: u32) -> f64 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn every_colour_is_legible_on_the_backgrounds_that_are_common() {
        for (palette, backgrounds) in [(Palette::Dark, &DARK[..]), (Palette::Light, &LIGHT[..])] {
            let theme = Theme::new(palette, false);
            for role in ROLES.into_iter().chain([Role::BusyBadge]) {
                let colour = |colour: Option<Color>| match colour {
                    Some(Color::Indexed(index)) => Some(cube(index)),
                    _ => None,
                };
                let style = theme.style(role);
                let text = colour(style.fg).unwrap();
                let shade = colour(theme.shade().and_then(|shade| shade.bg));
                for background in backgrounds.iter().copied().chain(shade) {
                    let contrast = contrast(text, colour(style.bg).unwrap_or(background));
                    assert!(contrast >= 4.5, "{role:?} on {background:06x} of {palette:?}: {contrast:.1}");
                }
            }
        }
    }

    #[test]
    fn without_colours_no_style_has_one() {
        let theme = Theme::new(Palette::Mono, false);
        for role in ROLES {
            assert_eq!((theme.style(role).fg, theme.style(role).bg), (None, None));
        }
    }
}
