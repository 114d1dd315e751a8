//! The program as it is run.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use cachewright_test_support::eventually_blocking;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

const PATIENCE: Duration = Duration::from_secs(60);

/// With everything that it leaves in `temporary`.
fn consistency(arguments: &str, temporary: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_consistency"));
    command
        .args(arguments.split_whitespace())
        .env("TMPDIR", temporary)
        .stdin(Stdio::null());
    command
}

fn told(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{out}{err}")
}

#[test]
fn a_world_with_every_fault_is_clean_and_leaves_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let run = "run --worlds 1 --brief --seed 1 --processes 3";
    let output = consistency(run, temporary.path()).output().unwrap();
    let told = told(&output);
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains("seed 1:") && told.contains("1 worlds"),
        "{told}"
    );
    assert!(told.trim_end().ends_with(" 0 violations"), "{told}");
    assert!(!told.contains(" 0 reads"), "{told}");
    assert_empty(temporary.path());
}

#[test]
fn a_world_of_memory_alone_is_clean() {
    let temporary = tempfile::tempdir().unwrap();
    let run = "run --worlds 1 --brief --seed 2 --processes 2 --memory";
    let output = consistency(run, temporary.path()).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
}

#[test]
fn a_kept_history_is_judged_again_and_a_stale_read_in_it_is_found() {
    let temporary = tempfile::tempdir().unwrap();
    let kept = temporary.path().join("kept");
    let run = format!(
        "run --worlds 1 --brief --seed 3 --faults none --keep {}",
        kept.display()
    );
    let output = consistency(&run, temporary.path()).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let world = std::fs::read_dir(&kept).unwrap().next().unwrap().unwrap();
    let judge = format!("judge {}", world.path().display());
    let judged = || consistency(&judge, temporary.path()).output().unwrap();
    assert!(judged().status.success(), "{}", told(&judged()));

    // Whoever was committed to ten seconds earlier was read when it was long over.
    let commits = world.path().join("commits.bin");
    let mut bytes = std::fs::read(&commits).unwrap();
    for commit in bytes.chunks_exact_mut(24) {
        let mut moment = [0; 8];
        moment.copy_from_slice(&commit[16..]);
        let earlier = u64::from_le_bytes(moment) - 10_000_000_000;
        commit[16..].copy_from_slice(&earlier.to_le_bytes());
    }
    std::fs::write(&commits, bytes).unwrap();
    let again = judged();
    assert_eq!(again.status.code(), Some(1), "{}", told(&again));
    assert!(told(&again).contains("stale version"), "{}", told(&again));
}

#[test]
fn what_is_wrong_with_the_command_line_is_said() {
    let temporary = tempfile::tempdir().unwrap();
    let output = consistency("run --faults fire", temporary.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told(&output).contains("`fire` is no fault"),
        "{}",
        told(&output)
    );
}

#[test]
fn nothing_outlives_a_driver_that_is_killed() {
    // Not in a group of its own: the system ends a stopped member of a group that nobody outside could let go on.
    outlives_nothing(driver, |driver| {
        kill_process(Pid::from_child(driver), Signal::KILL).unwrap();
    });
}

#[test]
fn nothing_outlives_a_driver_that_is_interrupted() {
    outlives_nothing(
        |temporary| {
            let mut command = driver(temporary);
            command.process_group(0);
            command
        },
        |driver| {
            kill_process_group(Pid::from_child(driver), Signal::INT).unwrap();
        },
    );
}

/// It has work for a while.
fn driver(temporary: &Path) -> Command {
    let mut command = consistency("run --worlds 1 --faults none --processes 2", temporary);
    command.stdout(Stdio::null());
    command
}

/// Ends a driver whose workers are at work, one of them stopped.
fn outlives_nothing(driver: impl FnOnce(&Path) -> Command, end: impl FnOnce(&Child)) {
    let temporary = tempfile::tempdir().unwrap();
    let mut driver = driver(temporary.path()).spawn().unwrap();
    let workers = || {
        let mut children = children(driver.id());
        children.retain(|child| command_line(*child).ends_with("consistency worker"));
        children
    };
    eventually_blocking(PATIENCE, || workers().len() == 2);
    let stopped = Pid::from_raw(workers()[0]).unwrap();
    kill_process(stopped, Signal::STOP).unwrap();
    let children = children(driver.id());
    assert!(
        children
            .iter()
            .any(|child| command_line(*child).starts_with("redis-server"))
    );
    end(&driver);
    driver.wait().unwrap();
    eventually_blocking(PATIENCE, || {
        children.iter().all(|child| command_line(*child).is_empty())
    });
    eventually_blocking(PATIENCE, || leftovers(temporary.path()).is_empty());
}

fn children(parent: u32) -> Vec<i32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let parent = parent.to_string();
    ids.filter(|id| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // After the name, which may contain anything: the state, then the parent.
        let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        rest.split(' ').nth(1) == Some(&parent)
    })
    .collect()
}

/// Empty for a process that is gone, or waited for by nobody.
fn command_line(id: i32) -> String {
    let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    line.trim().to_owned()
}

fn leftovers(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        // The place for histories stays, for more of them; it is empty.
        let is_empty =
            std::fs::read_dir(entry.path()).is_ok_and(|mut within| within.next().is_none());
        if !(is_empty && entry.file_name() == "consistency-histories") {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names
}

fn assert_empty(directory: &Path) {
    let left = leftovers(directory);
    assert!(left.is_empty(), "{left:?}");
}
