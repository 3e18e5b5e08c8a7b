//! The command line refuses what it cannot take.

use super::*;
use clap::CommandFactory;

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn bad_values_are_refused_where_they_are_typed() {
    let bad: [&[&str]; 19] = [
        &["diff"],
        &["diff", "checkout", "--raw", "--all"],
        &["step", "checkout", "--to", "101"],
        &["step", "checkout", "--to", "-1"],
        &["step"],
        &["sim", "--speed", "0"],
        &["sim", "--speed", "nan"],
        &["start", "checkout"],
        &["watch"],
        &["watch", "checkout", "--timeout", "soon"],
        &["watch", "checkout", "--timeout", "0s"],
        &["history"],
        &["judge"],
        &["judge", "checkout", "--until", "1h"],
        &["judge", "checkout", "--minutes"],
        &["judge", "checkout", "--since", "1h", "--service", "checkout"],
        &["history", "checkout", "--limit", "0"],
        &["rollback", "checkout", "--list", "--yes"],
        &["rollback", "checkout", "--list", "--to", ":41"],
    ];
    for words in bad {
        let error = Cli::try_parse_from(std::iter::once(&"tidegate").chain(words)).unwrap_err();
        assert_eq!(error.exit_code(), i32::from(Exit::Usage.code()), "{words:?}");
    }
}
