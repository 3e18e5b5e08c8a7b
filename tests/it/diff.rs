//! `tidegate diff` on the embedded AWS: the changes, and values only on request.

use serde_json::Value;

use crate::cli::Sim;

/// The secret in an environment variable in `assets/scenarios/shop.toml`.
const SECRET: &str = "hunter2-not-real";

fn names(document: &Value, kind: &str) -> Vec<String> {
    let changes = document["changes"].as_array().unwrap().iter().filter(|change| change["kind"] == kind);
    changes.map(|change| change["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_release_is_compared_with_what_it_replaces_and_any_two_with_each_other() {
    let sim = Sim::start(&["--scenario", "good-release"]);
    let home = &sim.home;
    let text = home.expect(0, &["diff", "checkout"]).out;
    for part in ["checkout:41 → checkout:42", "container checkout", "~ image tag", "1.8.2 → 1.9.0", "the same (--all)"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("+ environment EXPRESS_CHECKOUT") && text.contains("changed, values hidden"), "{text}");
    assert!(text.contains("payment-key-v2") && text.contains("--reveal"), "a reference is no secret: {text}");

    let document = home.expect(0, &["diff", "checkout", ":40", "checkout:42", "--json"]).json();
    assert_eq!((&document["schema"], &document["revealed"]), (&"tidegate.diff/1".into(), &false.into()));
    assert_eq!(
        (&document["from"]["revision"], &document["to"]["revision"]),
        (&"checkout:40".into(), &"checkout:42".into())
    );
    assert!(names(&document, "changed").contains(&"image tag".to_owned()), "{document}");
    assert!(names(&document, "added").contains(&"environment EXPRESS_CHECKOUT".to_owned()), "{document}");
    assert!(names(&document, "same").is_empty() && document["same"].as_u64().unwrap() > 10, "{document}");
    let all = home.expect(0, &["diff", "checkout", "--json", "--all"]).json();
    assert_eq!(names(&all, "same").len() as u64, all["same"].as_u64().unwrap());
    assert!(home.expect(0, &["diff", "checkout", "42", "42"]).out.contains("No difference."));
    // A service with nothing under way is compared with an earlier revision that worked.
    assert!(home.expect(0, &["diff", "search"]).out.contains(" → search:88"));

    let raw = home.expect(0, &["diff", "checkout", "--raw"]).json();
    assert_eq!((&raw["family"], &raw["revision"]), (&"checkout".into(), &42.into()));
}

#[test]
fn no_value_is_printed_or_written_down_unless_it_is_asked_for() {
    let mut sim = Sim::start(&["--scenario", "good-release"]);
    sim.home.set("TIDEGATE_LOG", "trace");
    let home = &sim.home;
    for words in [&["--all"][..], &["--raw"], &["--json", "--all"], &[]] {
        let ran = home.expect(0, &[&["diff", "checkout"], words].concat());
        assert!(!ran.out.contains(SECRET) && !ran.err.contains(SECRET), "{words:?}");
        assert!(ran.out.contains("(hidden)") || ran.out.contains("values hidden"), "{words:?}");
        assert!(!ran.out.contains("hidden:"), "no digest either: {words:?}");
    }
    for words in [&["--all"][..], &["--raw"], &["--json", "--all"]] {
        let ran = home.expect(0, &[&["diff", "checkout", "--reveal"], words].concat());
        assert!(ran.out.contains(SECRET) && !ran.out.contains("(hidden)"), "{words:?}");
    }
    // No file contains the values, revealed or not.
    home.expect(0, &["step", "checkout", "--yes", "--reason", "for the audit"]);
    let state = home.path().join("state");
    for file in ["tidegate.log", "audit.jsonl"] {
        let text = std::fs::read_to_string(state.join(file)).unwrap();
        assert!(!text.is_empty() && !text.contains(SECRET), "{file}");
    }
    let log = std::fs::read_to_string(state.join("tidegate.log")).unwrap();
    assert!(log.contains("DescribeTaskDefinition"), "it was written while the values were read");
}

#[test]
fn what_cannot_be_compared_ends_as_documented() {
    let sim = Sim::start(&["--scenario", "good-release"]);
    let home = &sim.home;
    assert!(home.expect(2, &["diff", "checkout", "newest"]).err.contains("names no revision"));
    assert!(home.expect(4, &["diff", "checkout", ":999"]).err.contains("no such revision"));
    assert!(home.expect(4, &["diff", "no-such-service"]).err.contains("no-such-service"));
}
