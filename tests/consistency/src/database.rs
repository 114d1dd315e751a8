//! The database that the processes cache: registers, each with a version that grows by one with each commit.
//!
//! It lives in the driver's process, so that no killed worker takes a commit with it, and is asked over a Unix socket, a line each way:
//! `load WORKER REGISTER` is answered with the version, `commit WORKER MICROSECONDS REGISTER…` with the new versions, and each with the moment of
//! which that is true.

mod client;
mod server;

pub use client::Database;
pub use server::{Ambush, Occasion, Server, Strike, read_commits, write_commits};

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::os::unix::net::UnixStream;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use cachewright_test_support::{eventually, eventually_blocking};

    use super::*;
    use crate::clock;
    use crate::keys::Register;

    const PATIENCE: Duration = Duration::from_secs(30);
    const SOON: Duration = Duration::ZERO;

    fn peaceful(dir: &tempfile::TempDir) -> Server {
        Server::start(&dir.path().join("database"), |_, _| true).unwrap()
    }

    #[tokio::test]
    async fn versions_grow_by_one_from_one() {
        let dir = tempfile::tempdir().unwrap();
        let server = peaceful(&dir);
        let database = Database::new(server.socket(), 3);
        let (one, two) = (Register(1), Register(2));
        assert_eq!(database.load(one).await.unwrap(), 1);
        let before = clock::now();
        assert_eq!(database.commit(&[one, two], SOON).await.unwrap(), [2, 2]);
        assert_eq!(database.commit(&[two], SOON).await.unwrap(), [3]);
        let after = clock::now();
        assert_eq!(database.load(two).await.unwrap(), 3);
        let blocking = tokio::task::spawn_blocking(move || database.load_blocking(one));
        assert_eq!(blocking.await.unwrap().unwrap(), 2);
        let commits = server.commits();
        let noted: Vec<_> = commits.iter().map(|c| (c.register, c.version)).collect();
        assert_eq!(noted, [(one, 2), (two, 2), (two, 3)]);
        assert_eq!(commits[0].at, commits[1].at);
        assert!(
            commits
                .iter()
                .all(|commit| (before..=after).contains(&commit.at))
        );
    }

    #[tokio::test]
    async fn a_commit_lands_after_its_asker_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let server = peaceful(&dir);
        let mut asker = UnixStream::connect(server.socket()).unwrap();
        asker.write_all(b"commit 0 50000 7\n").unwrap();
        drop(asker);
        eventually(PATIENCE, || server.commits().len() == 1).await;
        let database = Database::new(server.socket(), 1);
        assert_eq!(database.load(Register(7)).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_dropped_future_commits_and_its_connection_is_not_used_again() {
        let dir = tempfile::tempdir().unwrap();
        let server = peaceful(&dir);
        let database = Database::new(server.socket(), 1);
        let after = Duration::from_millis(50);
        let dropped = tokio::time::timeout(
            Duration::from_millis(5),
            database.commit(&[Register(7)], after),
        );
        // Whether it was sent by then or not, the next answer belongs to the next question.
        let _ = dropped.await;
        assert_eq!(database.load(Register(8)).await.unwrap(), 1);
        let [version] = database.commit(&[Register(7)], 2 * after).await.unwrap()[..] else {
            panic!("one version");
        };
        assert_eq!(server.commits().len() as u64, version - 1);
    }

    #[tokio::test]
    async fn commits_are_atomic() {
        let dir = tempfile::tempdir().unwrap();
        let server = peaceful(&dir);
        let both = [Register(1), Register(2)];
        let database = &Database::new(server.socket(), 1);
        let writers = (0..8).map(|_| {
            let database = Database::new(server.socket(), 2);
            tokio::spawn(async move {
                for _ in 0..50 {
                    let versions = database.commit(&both, SOON).await.unwrap();
                    assert_eq!(versions[0], versions[1]);
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        assert_eq!(database.load(both[1]).await.unwrap(), 401);
    }

    #[tokio::test]
    async fn an_ambush_strikes_before_the_answer_and_only_whom_it_waits_for() {
        let dir = tempfile::tempdir().unwrap();
        let (struck, strikes) = channel();
        let (release, released) = channel();
        let released = std::sync::Mutex::new(released);
        let server = Server::start(&dir.path().join("database"), move |worker, strike| {
            struck.send((worker, strike)).unwrap();
            released.lock().unwrap().recv().unwrap()
        })
        .unwrap();
        server.lie_in_wait(Ambush {
            occasion: Occasion::Commit,
            whom: Some(2),
            strike: Strike::Kill,
        });
        let other = Database::new(server.socket(), 1);
        let victim = Database::new(server.socket(), 2);
        other.commit(&[Register(1)], SOON).await.unwrap();
        victim.load(Register(1)).await.unwrap();
        assert!(strikes.try_recv().is_err());

        let committing =
            tokio::spawn(async move { victim.commit(&[Register(1)], SOON).await.map(|_| victim) });
        eventually(PATIENCE, || server.commits().len() == 2).await;
        assert_eq!(strikes.recv().unwrap(), (2, Strike::Kill));
        // Committed and not answered.
        assert_eq!(other.load(Register(1)).await.unwrap(), 3);
        assert!(!committing.is_finished());
        // It was not there any more: whoever comes next is awaited.
        release.send(false).unwrap();
        let victim = committing.await.unwrap().unwrap();
        assert_eq!(server.in_wait(), 1);
        release.send(true).unwrap();
        victim.commit(&[Register(1)], SOON).await.unwrap();
        assert_eq!(strikes.recv().unwrap(), (2, Strike::Kill));
        assert_eq!(server.in_wait(), 0);
        victim.commit(&[Register(1)], SOON).await.unwrap();
        assert!(strikes.try_recv().is_err());
    }

    #[test]
    fn what_is_no_request_ends_its_connection_alone() {
        let dir = tempfile::tempdir().unwrap();
        let server = peaceful(&dir);
        for nonsense in ["hello\n", "load 1\n", "commit 1 0\n", "load 1 -1\n"] {
            let mut asker = UnixStream::connect(server.socket()).unwrap();
            asker.write_all(nonsense.as_bytes()).unwrap();
            assert_eq!(io::read_to_string(asker).unwrap(), "", "{nonsense}");
        }
        assert_eq!(
            Database::new(server.socket(), 1)
                .load_blocking(Register(1))
                .unwrap(),
            1
        );
    }

    #[test]
    fn a_database_that_ended_answers_with_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let server = peaceful(&dir);
        let database = Database::new(server.socket(), 1);
        database.load_blocking(Register(1)).unwrap();
        drop(server);
        eventually_blocking(PATIENCE, || database.load_blocking(Register(1)).is_err());
    }

    #[test]
    fn commits_come_back_equal() {
        let dir = tempfile::tempdir().unwrap();
        let server = peaceful(&dir);
        let path = dir.path().join("commits.bin");
        let commits = server.commits();
        write_commits(&path, &commits).unwrap();
        assert_eq!(read_commits(&path).unwrap(), commits);
        let mut asker = UnixStream::connect(server.socket()).unwrap();
        asker
            .write_all(b"commit 65535 0 65537 4294967295\n")
            .unwrap();
        eventually_blocking(PATIENCE, || server.commits().len() == 2);
        let commits = server.commits();
        write_commits(&path, &commits).unwrap();
        assert_eq!(read_commits(&path).unwrap(), commits);
    }
}
