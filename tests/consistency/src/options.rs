//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::faults::Kind;
use crate::world::{Settings, Span};

pub const USAGE: &str = "usage:
  consistency run [--minutes N | --seconds N | --worlds N] [--seed S] [--processes 4]
                  [--faults all|none|NAME,NAME…] [--memory] [--brief | --long] [--keep DIR]
      lets worlds happen, one after another, and judges each. --memory: without Redis. --brief: worlds of a few
      seconds. --long: of minutes, in which Redis may be away for one of them. --keep: keeps every history;
      otherwise those with violations.
  consistency judge DIR
      judges a kept history again.
  consistency mutants [--seed S] [NAME…]
      breaks each rule, or those that are named, until it is noticed. Only in a build with `--cfg mutants`.
  consistency faults
      lists what can befall a world.
  consistency worker
      is one of the processes of a world.";

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Run(Options),
    Judge(PathBuf),
    Mutants(Vec<String>),
    Faults,
    Worker,
    Help,
}

/// Of a `run`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub until: Until,
    /// Of the first world; each has the next. A random one, if there is none.
    pub seed: Option<u64>,
    pub settings: Settings,
    pub keep: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// No world begins after this time.
    Elapsed(Duration),
    Worlds(u64),
}

impl Command {
    /// What the words after the program's name say.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut words = words.into_iter();
        let command = match words.next().as_deref() {
            None | Some("help" | "--help" | "-h") => Self::Help,
            Some("mutants") => return Ok(Self::Mutants(words.collect())),
            Some("run") => return Options::parse(words).map(Self::Run),
            Some("judge") => {
                let directory = words.next().ok_or("judge what?")?;
                Self::Judge(directory.into())
            }
            Some("faults") => Self::Faults,
            Some("worker") => Self::Worker,
            Some(other) => return Err(format!("`{other}` is no command")),
        };
        match words.next() {
            Some(surplus) => Err(format!("`{surplus}` is one word too many")),
            None => Ok(command),
        }
    }
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut until = None;
        let mut options = Self {
            until: Until::Worlds(1),
            seed: None,
            settings: Settings {
                processes: 4,
                kinds: Kind::ALL.to_vec(),
                store: true,
                span: Span::Usual,
            },
            keep: None,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("`{word}` wants a value"));
            match word.as_str() {
                "--minutes" | "--seconds" => {
                    let unit = if word == "--minutes" { 60.0 } else { 1.0 };
                    let count: f64 = number(&word, &value()?)?;
                    let time = Duration::try_from_secs_f64(count * unit);
                    let time = time.map_err(|_| format!("`{count}` is no time"))?;
                    until.replace(Until::Elapsed(time)).map_or(Ok(()), twice)?;
                }
                "--worlds" => {
                    let worlds = number(&word, &value()?)?;
                    until.replace(Until::Worlds(worlds)).map_or(Ok(()), twice)?;
                }
                "--seed" => options.seed = Some(number(&word, &value()?)?),
                "--processes" => options.settings.processes = number(&word, &value()?)?,
                "--faults" => options.settings.kinds = kinds(&value()?)?,
                "--memory" => options.settings.store = false,
                "--brief" => options.settings.span = Span::Brief,
                "--long" => options.settings.span = Span::Long,
                "--keep" => options.keep = Some(value()?.into()),
                other => return Err(format!("`{other}` is no option of run")),
            }
        }
        if options.settings.processes == 0 {
            return Err("a world has a process at least".to_owned());
        }
        options.until = until.unwrap_or(options.until);
        Ok(options)
    }
}

fn twice(_: Until) -> Result<(), String> {
    Err("either --minutes, --seconds or --worlds, once".to_owned())
}

fn number<T: std::str::FromStr>(option: &str, value: &str) -> Result<T, String> {
    let wrong = |_| format!("`{value}` is nothing for `{option}`");
    value.parse().map_err(wrong)
}

fn kinds(names: &str) -> Result<Vec<Kind>, String> {
    match names {
        "all" => Ok(Kind::ALL.to_vec()),
        "none" => Ok(Vec::new()),
        names => names
            .split(',')
            .map(|name| {
                Kind::named(name).ok_or(format!("`{name}` is no fault: see `consistency faults`"))
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line.split_whitespace().map(str::to_owned))
    }

    fn options(line: &str) -> Options {
        match parse(line) {
            Ok(Command::Run(options)) => options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_run_has_four_processes_every_fault_and_a_redis_unless_told_otherwise() {
        let plain = options("run");
        assert_eq!(plain.until, Until::Worlds(1));
        assert_eq!(plain.settings.processes, 4);
        assert_eq!(plain.settings.kinds, Kind::ALL);
        assert!(plain.settings.store && plain.seed.is_none());
        assert_eq!(plain.settings.span, Span::Usual);

        let all = options(
            "run --minutes 1.5 --seed 7 --processes 2 --faults kill,cut --memory --long --keep here",
        );
        assert_eq!(all.until, Until::Elapsed(Duration::from_secs(90)));
        assert_eq!((all.seed, all.settings.processes), (Some(7), 2));
        assert_eq!(all.settings.kinds, [Kind::Kill, Kind::Cut]);
        assert!(!all.settings.store);
        assert_eq!(all.settings.span, Span::Long);
        assert_eq!(options("run --brief").settings.span, Span::Brief);
        assert_eq!(all.keep, Some("here".into()));
        assert_eq!(
            options("run --seconds 40").until,
            Until::Elapsed(Duration::from_secs(40))
        );
        assert!(options("run --faults none").settings.kinds.is_empty());
        assert_eq!(options("run --worlds 3").until, Until::Worlds(3));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, what) in [
            ("run --minutes", "`--minutes` wants a value"),
            ("run --minutes -1", "no time"),
            ("run --minutes 1 --worlds 2", "either"),
            ("run --seed x", "`x` is nothing for `--seed`"),
            ("run --processes 0", "a process at least"),
            ("run --faults kill,fire", "`fire` is no fault"),
            ("run --fast", "`--fast` is no option"),
            ("judge", "judge what?"),
            ("judge a b", "one word too many"),
            ("play", "`play` is no command"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(what), "{line}: {error}");
        }
        assert_eq!(parse(""), Ok(Command::Help));
        assert_eq!(parse("judge here"), Ok(Command::Judge("here".into())));
    }

    #[test]
    fn each_kind_of_fault_is_known_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(kinds(kind.name()), Ok(vec![kind]));
        }
    }
}
