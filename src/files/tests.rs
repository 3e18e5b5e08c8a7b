use super::*;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

/// Everything that can stand where a regular file is expected, and the word for it.
fn others(dir: &Path) -> Vec<(PathBuf, &'static str)> {
    let path = |name: &str| dir.join(name);
    rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let _listening = UnixListener::bind(path("socket")).unwrap();
    fs::create_dir(path("directory")).unwrap();
    fs::write(path("victim"), "untouched").unwrap();
    fs::set_permissions(path("victim"), Permissions::from_mode(0o644)).unwrap();
    symlink(path("victim"), path("link")).unwrap();
    [("pipe", "a named pipe"), ("socket", "a socket"), ("directory", "a directory"), ("link", "a symbolic link")]
        .map(|(name, word)| (path(name), word))
        .into()
}

#[test]
fn what_is_no_regular_file_is_refused_by_what_it_is_and_never_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    for (path, word) in others(dir.path()) {
        let of_ours = [append_own(&path).unwrap_err(), open_own(&path).unwrap_err(), read_own(&path, 9).unwrap_err()];
        for error in of_ours {
            assert!(error.to_string().contains(word), "{path:?}: {error}");
        }
        if word != "a symbolic link" {
            let error = read(&path, 9).unwrap_err().to_string();
            assert!(error.contains(word), "{path:?}: {error}");
        }
    }
    let error = read(Path::new("/dev/zero"), 9).unwrap_err().to_string();
    assert!(error.contains("a device"), "{error}");
    let victim = dir.path().join("victim");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    assert_eq!(fs::metadata(&victim).unwrap().mode() & 0o777, 0o644);
}

#[test]
fn what_an_operator_names_is_read_through_links_and_within_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    others(dir.path());
    let (victim, link) = (dir.path().join("victim"), dir.path().join("link"));
    assert_eq!(read_text(&link, 9).unwrap(), "untouched");
    assert_eq!(read(&victim, 9).unwrap(), b"untouched");
    assert_eq!(read(&victim, 8).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(read(&dir.path().join("none"), 8).unwrap_err().kind(), io::ErrorKind::NotFound);
    fs::write(&victim, b"\xff\xfe").unwrap();
    assert_eq!(read_text(&victim, 8).unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn what_is_ours_is_made_private_and_made_private_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/deeper/own");
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    drop(append_own(&path).unwrap());
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    drop(append_own(&path).unwrap());
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_directory_that_others_may_write_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    for mode in [0o777, 0o1777, 0o770, 0o702] {
        let state = dir.path().join(format!("{mode:o}"));
        fs::create_dir(&state).unwrap();
        fs::set_permissions(&state, Permissions::from_mode(mode)).unwrap();
        for error in
            [append_own(&state.join("own")).unwrap_err(), make_own_directory_of(&state.join("own")).unwrap_err()]
        {
            assert!(error.to_string().contains("others may write"), "{mode:o}: {error}");
        }
        assert_eq!(fs::read_dir(&state).unwrap().count(), 0);
        assert_eq!(fs::metadata(&state).unwrap().mode() & 0o7777, mode);
    }
}

#[test]
fn what_somebody_else_owns_is_refused() {
    // Only root can give a directory away.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (state, own) = (dir.path().join("state"), dir.path().join("state/own"));
    fs::create_dir(&state).unwrap();
    fs::write(&own, "").unwrap();
    std::os::unix::fs::chown(&own, Some(12_345), None).unwrap();
    let error = append_own(&own).unwrap_err().to_string();
    assert!(error.contains("belongs to another user (uid 12345)"), "{error}");
    std::os::unix::fs::chown(&state, Some(12_345), None).unwrap();
    let error = append_own(&own).unwrap_err().to_string();
    assert!(error.contains("its directory") && error.contains("uid 12345"), "{error}");
}
