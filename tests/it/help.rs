//! Help, and the answer to a mistyped line.

use super::cli::Home;

#[test]
fn help_of_a_command_is_what_its_flag_prints() {
    let home = Home::new();
    assert_eq!(home.expect(0, &["help"]).out, home.expect(0, &["--help"]).out);
    for command in ["status", "rollback", "judge", "help"] {
        let help = home.expect(0, &["help", command]).out;
        assert_eq!(help, home.expect(0, &[command, "--help"]).out);
        assert!(help.contains("Examples:\n  tidegate "), "{help}");
    }
}

#[test]
fn a_mistyped_command_or_option_gets_a_suggestion() {
    let home = Home::new();
    let table: [(&[&str], &str); 5] = [
        (&["statsu"], "'status'"),
        (&["help", "statsu"], "'status'"),
        (&["rollback", "checkout", "--reson", "x"], "'--reason'"),
        (&["status", "--jsn"], "'--json'"),
        (&["help", "status", "checkout"], "tidegate help status"),
    ];
    for (words, suggestion) in table {
        let ran = home.expect(2, words);
        assert!(ran.err.contains(suggestion) && ran.out.is_empty(), "{words:?}: {ran:?}");
    }
}
