//! Help, manual pages, and what is said of a mistyped line.

use std::fs;

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
        (&["help", "statsu"], "no topic statsu"),
        (&["rollback", "checkout", "--reson", "x"], "'--reason'"),
        (&["status", "--jsn"], "'--json'"),
        (&["help", "status", "checkout"], "tidegate help status"),
    ];
    for (words, suggestion) in table {
        let ran = home.expect(2, words);
        assert!(ran.err.contains(suggestion) && ran.out.is_empty(), "{words:?}: {ran:?}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let home = Home::new();
    let dir = home.path().join("share/man/man1");
    home.expect(0, &["man", dir.to_str().unwrap()]);
    let help = home.expect(0, &["--help"]).out;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut expected: Vec<_> =
        commands.map(|line| format!("tidegate-{}.1", line.split_whitespace().next().unwrap())).collect();
    expected.push("tidegate.1".to_owned());
    expected.sort();
    let mut pages: Vec<_> =
        fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    pages.sort();
    assert_eq!(pages, expected);
    for page in &pages {
        let text = fs::read_to_string(dir.join(page)).unwrap();
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "\"EXIT STATUS\"", "\"SEE ALSO\""] {
            assert!(text.contains(&format!(".SH {section}\n")), "{page}: {section}\n{text}");
        }
        assert_eq!(text.contains(".SH EXAMPLES\n"), page != "tidegate.1", "{page}");
    }
    let main = fs::read_to_string(dir.join("tidegate.1")).unwrap();
    assert_eq!(home.expect(0, &["man"]).out.trim_end(), main.trim_end());
    assert!(main.contains("tidegate\\-rollback(1)"), "{main}");
}

#[test]
fn a_directory_that_cannot_be_made_is_wrong_usage() {
    let home = Home::new();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let ran = home.expect(2, &["man", file.join("man1").to_str().unwrap()]);
    assert!(ran.err.contains("cannot write manual pages"), "{ran:?}");
}
