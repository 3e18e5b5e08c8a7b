//! The build script: passes the commit being built to the compiler, if the commit is known.
//!
//! The commit comes from the checkout, or from the file that `cargo package` puts into a tarball; the commit's time
//! comes from git, or from `SOURCE_DATE_EPOCH`. Without any of them the build succeeds and names no commit.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The known facts about the source.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    /// The commit's full hash.
    pub commit: Option<String>,
    /// The commit's time, in seconds since 1970.
    pub seconds: Option<String>,
    /// Files that change when another commit is checked out or made. All of them exist: Cargo would treat a missing
    /// file as changed, and rebuild everything each time.
    pub watched: Vec<PathBuf>,
}

fn main() {
    let root = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let source = Source::of(&root, env::var("SOURCE_DATE_EPOCH").ok());
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo::rerun-if-changed=src/build.rs");
    for path in &source.watched {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    if let Some(commit) = source.commit {
        println!("cargo::rustc-env=BUILD_COMMIT={commit}");
    }
    if let Some(seconds) = source.seconds {
        println!("cargo::rustc-env=BUILD_COMMIT_SECONDS={seconds}");
    }
}

impl Source {
    /// The source at `root`, which is the repository's top level or an unpacked tarball. `epoch` is
    /// `SOURCE_DATE_EPOCH`.
    pub(crate) fn of(root: &Path, epoch: Option<String>) -> Self {
        let epoch = epoch.filter(|epoch| is_number(epoch));
        match Checkout::at(root) {
            Some(checkout) => {
                let (commit, seconds) = ask_git(root).unzip();
                let commit = commit.or_else(|| checkout.commit());
                Self { seconds: seconds.or(epoch).filter(|_| commit.is_some()), commit, watched: checkout.watched() }
            }
            None => {
                let packaged = root.join(".cargo_vcs_info.json");
                let commit = fs::read_to_string(&packaged).ok().and_then(|text| packaged_commit(&text));
                let watched = if commit.is_some() { vec![packaged] } else { Vec::new() };
                Self { seconds: epoch.filter(|_| commit.is_some()), commit, watched }
            }
        }
    }
}

/// The directories in which git keeps its files.
struct Checkout {
    /// Directory of this worktree, with `HEAD`.
    own: PathBuf,
    /// Directory shared by all worktrees, with the branches.
    common: PathBuf,
}

impl Checkout {
    /// The checkout whose top level is `root`. A checkout further up belongs to another project that contains this
    /// source.
    fn at(root: &Path) -> Option<Self> {
        let dot_git = root.join(".git");
        let own = if dot_git.is_dir() {
            dot_git
        } else {
            // A worktree or a submodule.
            root.join(fs::read_to_string(&dot_git).ok()?.strip_prefix("gitdir:")?.trim())
        };
        let common = match fs::read_to_string(own.join("commondir")) {
            Ok(common) => own.join(common.trim()),
            Err(_) => own.clone(),
        };
        Some(Self { own, common })
    }

    fn head(&self) -> Option<String> {
        fs::read_to_string(self.own.join("HEAD")).ok().map(|head| head.trim().to_owned())
    }

    /// The branch that is checked out, as `refs/heads/main`.
    fn branch(&self) -> Option<String> {
        Some(self.head()?.strip_prefix("ref:")?.trim().to_owned())
    }

    /// The checked-out commit, as far as plain files contain it.
    fn commit(&self) -> Option<String> {
        let commit = match self.branch() {
            None => self.head(),
            Some(branch) => {
                let loose = fs::read_to_string(self.common.join(&branch)).ok().map(|hash| hash.trim().to_owned());
                loose.or_else(|| {
                    let packed = fs::read_to_string(self.common.join("packed-refs")).ok()?;
                    let of_branch = |line: &str| Some(line.strip_suffix(&branch)?.strip_suffix(' ')?.to_owned());
                    packed.lines().find_map(of_branch)
                })
            }
        };
        commit.filter(|commit| is_hash(commit))
    }

    fn watched(&self) -> Vec<PathBuf> {
        let branch = self.branch().map(|branch| self.common.join(branch));
        // The log of HEAD grows with each commit, even while the branch has no file of its own.
        let files = [self.own.join("HEAD"), self.own.join("logs/HEAD"), self.common.join("packed-refs")];
        files.into_iter().chain(branch).filter(|path| path.is_file()).collect()
    }
}

/// The commit and its time, if git is installed and succeeds.
fn ask_git(root: &Path) -> Option<(String, String)> {
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(["log", "-1", "--no-show-signature", "--format=%H %ct"]);
    // A git hook sets these variables for its own repository, which may be another one.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    if let Some(parent) = root.parent() {
        git.env("GIT_CEILING_DIRECTORIES", parent);
    }
    let output = git.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (commit, seconds) = text.trim().split_once(' ')?;
    (is_hash(commit) && is_number(seconds)).then(|| (commit.to_owned(), seconds.to_owned()))
}

/// The commit in the file that `cargo package` writes: `{"git": {"sha1": "…"}, …}`.
fn packaged_commit(text: &str) -> Option<String> {
    let (_, after) = text.split_once("\"sha1\"")?;
    let commit = after.split('"').nth(1)?;
    is_hash(commit).then(|| commit.to_owned())
}

fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
