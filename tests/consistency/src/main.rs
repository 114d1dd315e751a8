//! Shows that no process gets a stale value after an invalidation, whatever befalls processes, network and server.

// A program exports nothing, and `pub(crate)` everywhere would say no more.
#![allow(unreachable_pub)]

mod clock;
mod database;
mod faults;
mod guard;
mod keys;
mod mutants;
mod options;
mod oracle;
mod outcome;
mod plan;
mod record;
mod run;
mod servers;
mod worker;
mod workers;
mod world;

use std::io;
use std::process::ExitCode;

use options::{Command, USAGE};

fn main() -> ExitCode {
    let command = match Command::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("error: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match carry_out(&command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether there was nothing to complain of.
fn carry_out(command: &Command) -> io::Result<bool> {
    match command {
        Command::Run(options) => return run::run(options),
        Command::Judge(directory) => return run::judge(directory),
        Command::Mutants(arguments) => return mutants::run(arguments),
        Command::Worker => worker::run()?,
        Command::Help => println!("{USAGE}"),
        Command::Faults => {
            for kind in faults::Kind::ALL {
                println!("{:<18}{}", kind.name(), kind.what());
            }
        }
    }
    Ok(true)
}
