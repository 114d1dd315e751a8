//! The rules of `#[update_cache]`.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Expr, ExprAsync, ExprAwait, ExprClosure, ExprTry, Path};

use super::names::Names;
use super::{calls_no_argument, function, given, opaque_outcome};
use crate::args::{Argument, EntryCall, Outcome, Update};
use crate::errors::Errors;
use crate::signature::{Facts, Function};

/// All that the expansion of `#[update_cache]` puts into tokens.
pub(crate) struct UpdatePlan {
    pub(crate) entries: Vec<EntryCall>,
    pub(crate) always: bool,
    pub(crate) outcome: Argument<Outcome>,
    /// Where the facade is, if not at `::cachewright`.
    pub(crate) facade: Option<Path>,
}

/// Applies the rules of `#[update_cache]`.
pub(crate) fn update(
    args: Update,
    written: &Function,
    facts: &Facts,
    errors: &mut Errors,
) -> UpdatePlan {
    function::is_plain(written, errors);
    function::is_cached_alone(written, errors, &["cached"]);
    function::has_a_body(written, errors);
    function::returns(written, facts, errors);
    function::is_done_when_it_returns(written, facts, args.outcome.as_ref(), errors);
    if !args.has_entries {
        errors.at(
            &written.signature.ident,
            "`#[update_cache]` has no `entry`, so it would store nothing",
            "say which call is answered with what this function returns: \
             `#[update_cache(entry = self.get_profile(user_id))]`",
        );
    }
    let names = Names::new(written, facts);
    for entry in &args.entries {
        names.need_receiver(&entry.written, errors);
        calls_no_argument(entry, &names, errors);
        gives_every_argument(entry, errors);
        leaves_nothing(entry, errors);
    }
    UpdatePlan {
        entries: args.entries,
        always: given(args.always).unwrap_or(false),
        outcome: args.outcome.or_else(|| opaque_outcome(written, facts)),
        facade: given(args.krate),
    }
}

fn gives_every_argument(entry: &EntryCall, errors: &mut Errors) {
    let mut arguments = entry.arguments.iter();
    if let Some(nothing) = arguments.find(|argument| matches!(argument, Expr::Infer(_))) {
        errors.at(
            nothing,
            "the call is begun, as far as its look-up, to learn which entry it is of: it needs all of its arguments",
            "give a value, also for an argument that the cached function leaves out of its key; or drop the entry \
             instead of updating it, with `#[invalidate_cache(entry = …)]`, where `_` stands for such an argument",
        );
    }
}

/// The call is made in a closure, which nothing may leave.
fn leaves_nothing(entry: &EntryCall, errors: &mut Errors) {
    let mut leaving = Leaving(None);
    leaving.visit_expr(&entry.written);
    if let Some((expression, what)) = leaving.0 {
        errors.at(
            expression,
            format!("`{what}` can't stand in the call: it is begun inside a closure, before the body runs"),
            "name the entry by the arguments of this function; if it is known only later, invalidate it instead, \
             with `#[invalidate_cache(entry = …)]`",
        );
    }
}

struct Leaving(Option<(proc_macro2::TokenStream, &'static str)>);

impl<'ast> Visit<'ast> for Leaving {
    fn visit_expr_await(&mut self, expression: &'ast ExprAwait) {
        self.0
            .get_or_insert((expression.to_token_stream(), ".await"));
    }

    fn visit_expr_try(&mut self, expression: &'ast ExprTry) {
        self.0.get_or_insert((expression.to_token_stream(), "?"));
    }

    fn visit_expr_async(&mut self, _: &'ast ExprAsync) {}

    fn visit_expr_closure(&mut self, _: &'ast ExprClosure) {}

    fn visit_expr(&mut self, expression: &'ast Expr) {
        if self.0.is_none() {
            visit::visit_expr(self, expression);
        }
    }
}
