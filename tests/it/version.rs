//! The version names the commit, and the build script finds it wherever the source is.

use std::fs;
use std::path::Path;

use super::build_script::Source;
use super::cli::Home;

const COMMIT: &str = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
const OTHER: &str = "ffffffffffffffffffffffffffffffffffffffff";

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The watched files, below `root`.
fn watched(source: &Source, root: &Path) -> Vec<String> {
    let below = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_str().unwrap().to_owned();
    source.watched.iter().map(|path| below(path)).collect()
}

#[test]
fn the_version_names_the_commit_that_was_built() {
    let source = Source::of(Path::new(env!("CARGO_MANIFEST_DIR")), std::env::var("SOURCE_DATE_EPOCH").ok());
    let date = source.seconds.map(|seconds| {
        let time = jiff::Timestamp::from_second(seconds.parse().unwrap()).unwrap();
        time.strftime(" %Y-%m-%d").to_string()
    });
    let commit = source.commit.map(|commit| format!(" ({}{})", &commit[..12], date.unwrap_or_default()));
    let version = format!("tidegate {}{}\n", env!("CARGO_PKG_VERSION"), commit.unwrap_or_default());
    assert_eq!(Home::new().expect(0, &["--version"]).out, version);
}

#[test]
fn without_git_the_commit_comes_from_the_files_of_the_checkout() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(root, ".git/HEAD", "ref: refs/heads/main\n");
    write(root, ".git/packed-refs", &format!("# pack-refs\n{OTHER} refs/heads/not/main\n{COMMIT} refs/heads/main\n"));
    write(root, ".git/logs/HEAD", "");
    let packed = Source::of(root, None);
    assert_eq!((packed.commit.as_deref(), &packed.seconds), (Some(COMMIT), &None));
    assert_eq!(watched(&packed, root), [".git/HEAD", ".git/logs/HEAD", ".git/packed-refs"]);

    write(root, ".git/refs/heads/main", &format!("{OTHER}\n"));
    let loose = Source::of(root, Some("1795953600".to_owned()));
    assert_eq!((loose.commit.as_deref(), loose.seconds.as_deref()), (Some(OTHER), Some("1795953600")));
    assert!(watched(&loose, root).contains(&".git/refs/heads/main".to_owned()));

    write(root, ".git/HEAD", &format!("{COMMIT}\n"));
    assert_eq!(Source::of(root, None).commit.as_deref(), Some(COMMIT));
}

#[test]
fn a_worktree_has_a_head_of_its_own_and_shares_the_branches() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(root, "main/.git/HEAD", "ref: refs/heads/main\n");
    write(root, "main/.git/refs/heads/main", OTHER);
    write(root, "main/.git/refs/heads/tree", COMMIT);
    write(root, "main/.git/worktrees/tree/HEAD", "ref: refs/heads/tree\n");
    write(root, "main/.git/worktrees/tree/commondir", "../..\n");
    write(root, "tree/.git", &format!("gitdir: {}\n", root.join("main/.git/worktrees/tree").display()));
    let source = Source::of(&root.join("tree"), None);
    assert_eq!(source.commit.as_deref(), Some(COMMIT));
    assert!(watched(&source, root).iter().any(|path| path.ends_with("worktrees/tree/HEAD")));
    assert!(source.watched.iter().all(|path| path.is_file()), "{source:?}");
}

#[test]
fn a_tarball_has_the_commit_that_cargo_packaged_or_none() {
    let dir = tempfile::tempdir().unwrap();
    // The checkout around an unpacked tarball is somebody else's.
    write(dir.path(), ".git/HEAD", OTHER);
    let root = dir.path().join("tidegate-0.1.0");
    fs::create_dir(&root).unwrap();
    assert_eq!(Source::of(&root, Some("1795953600".to_owned())), Source::default());

    write(&root, ".cargo_vcs_info.json", &format!("{{\n  \"git\": {{\n    \"sha1\": \"{COMMIT}\"\n  }}\n}}"));
    let source = Source::of(&root, Some("1795953600".to_owned()));
    assert_eq!((source.commit.as_deref(), source.seconds.as_deref()), (Some(COMMIT), Some("1795953600")));
    assert_eq!(watched(&source, &root), [".cargo_vcs_info.json"]);

    write(&root, ".cargo_vcs_info.json", "{\"git\": {\"sha1\": \"$(reboot)\"}}");
    assert_eq!(Source::of(&root, Some("soon".to_owned())), Source::default());
}
