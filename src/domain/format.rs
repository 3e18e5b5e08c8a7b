//! Small things in words, where the screen and the command line say them alike.

/// `1 task`, `2 tasks`.
pub fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("{number} {thing}") } else { format!("{number} {thing}s") }
}
