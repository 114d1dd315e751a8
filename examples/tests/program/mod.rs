//! The programs of this package, as processes of their own.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

/// A program of this package, with these variables in its environment and no others.
///
/// # Panics
///
/// If it isn't built, or is older than its source. Cargo builds it with the tests, unless it is
/// asked for a single test with `--test`.
#[track_caller]
pub(crate) fn run(name: &str, variables: &[(&str, &str)]) -> Command {
    let tests = std::env::current_exe().unwrap();
    let built = tests.with_file_name("../examples").join(name);
    let source = |path: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let sources = [source("src"), source(name), source(&format!("{name}.rs"))];
    let newest = sources.iter().filter_map(|path| modified(path)).max();
    assert!(
        modified(&built) >= newest,
        "the example isn't built from what is here: run `cargo test -p cachewright-examples --all-features`"
    );
    let mut program = Command::new(built);
    program.env_clear().envs(variables.iter().copied());
    program
}

/// When a file, or one of those in a folder, was last changed; nothing if it isn't there.
fn modified(path: &Path) -> Option<SystemTime> {
    match path.read_dir() {
        Ok(files) => files.filter_map(|file| modified(&file.ok()?.path())).max(),
        Err(_) => path.metadata().and_then(|file| file.modified()).ok(),
    }
}
