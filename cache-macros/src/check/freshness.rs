//! Rules about values that are about to expire or have expired.

use crate::args::{Cached, SHARE, TOO_EARLY};
use crate::errors::Errors;
use crate::signature::Function;

/// What is said about them fits together, and to the ttl.
pub(super) fn fits(args: &Cached, written: &Function, errors: &mut Errors) {
    refreshes_while_it_lives(args, errors);
    something_answers_in_time(args, written, errors);
}

fn refreshes_while_it_lives(args: &Cached, errors: &mut Errors) {
    let (Some(ahead), Some(ttl)) = (&args.freshness.refresh_ahead, &args.ttl) else {
        return;
    };
    match (args.refreshes_too_early(), ahead.inherited, ttl.inherited) {
        (true, false, _) => errors.at(&ahead.value.written, TOO_EARLY, SHARE),
        (true, true, false) => errors.at(
            &ttl.key,
            "`ttl` is not longer than the default `refresh_ahead`: every hit would compute the value anew",
            "give the function its own, such as a share of its ttl: `refresh_ahead = 0.1`",
        ),
        // Where both are defaults of the block, it was told there.
        _ => {}
    }
}

fn something_answers_in_time(args: &Cached, written: &Function, errors: &mut Errors) {
    let (Some(timeout), None) = (&args.freshness.timeout, &args.freshness.stale_if_error) else {
        return;
    };
    if timeout.inherited {
        let function = &written.signature.ident;
        errors.at(
            function,
            format!(
                "`{function}` takes over the default `timeout`, and nothing could answer when it is over: that is an \
                 expired value that `stale_if_error` allows"
            ),
            "say for how long one may answer, here or on the block: `stale_if_error = \"1h\"`",
        );
    } else {
        errors.at(
            &timeout.key,
            "`timeout` says how long a caller waits for the body before an expired value answers, and none may: that is \
             what `stale_if_error` allows",
            "say for how long one may answer, `stale_if_error = \"1h\"`; to give the body itself a deadline, use a \
             timeout in it, such as `tokio::time::timeout`",
        );
    }
}
