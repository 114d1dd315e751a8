//! Rules about the expressions of an annotation: what they may name.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ExprPath, PatIdent};

use super::names::Names;
use crate::args::{Argument, Cached};
use crate::duration::Ttl;
use crate::errors::Errors;

/// Each expression of `args` names what there is before the body runs.
pub(super) fn find_their_names(args: &Cached, names: &Names<'_>, errors: &mut Errors) {
    let expressions = [
        &args.scope,
        &args.cache,
        &args.codec,
        &args.ttl_with,
        &args.bypass_if,
        &args.store_if,
    ];
    let own = expressions.into_iter().filter_map(own);
    let ttls = [&args.ttl, &args.none_ttl].into_iter().filter_map(own_ttl);
    for expression in own.chain(ttls) {
        names.need_receiver(expression, errors);
        is_not_of_the_body(expression, names, errors);
    }
}

fn own(argument: &Argument<Expr>) -> Option<&Expr> {
    let own = argument.as_ref().filter(|argument| !argument.inherited);
    own.map(|argument| &argument.value)
}

fn own_ttl(argument: &Argument<Ttl>) -> Option<&Expr> {
    let own = argument.as_ref().filter(|argument| !argument.inherited);
    match own.map(|argument| &argument.value) {
        Some(Ttl::Expression(expression)) => Some(expression),
        _ => None,
    }
}

/// Arguments are taken apart in the body.
fn is_not_of_the_body(expression: &Expr, names: &Names<'_>, errors: &mut Errors) {
    let mut mentioned = Mentioned::default();
    mentioned.visit_expr(expression);
    let Mentioned { values, own } = mentioned;
    let foreign = values.into_iter().filter(|name| !own.contains(name));
    let bound = |name: &&Ident| {
        let name = name.unraw().to_string();
        names.find(&name).is_none() && names.is_bound_in_pattern(&name)
    };
    // One error for a name, where it stands first.
    if let Some(name) = foreign.into_iter().find(bound) {
        errors.at(
            name,
            format!("`{name}` is bound inside a pattern, which takes its argument apart in the body, later than this is asked"),
            "give the argument a name and take it apart in the body: `pair: (u64, u64)`, then `pair.0`",
        );
    }
}

/// The names in an expression.
#[derive(Default)]
struct Mentioned<'a> {
    /// Those that stand for a value, and are not merely called.
    values: Vec<&'a Ident>,
    /// Those that the expression itself binds.
    own: Vec<&'a Ident>,
}

impl<'a> Visit<'a> for Mentioned<'a> {
    fn visit_expr_path(&mut self, path: &'a ExprPath) {
        self.values.extend(path.path.get_ident());
    }

    fn visit_expr_call(&mut self, call: &'a ExprCall) {
        // A function may well have the name of something in the body.
        if !matches!(&*call.func, Expr::Path(_)) {
            self.visit_expr(&call.func);
        }
        for argument in &call.args {
            self.visit_expr(argument);
        }
    }

    fn visit_pat_ident(&mut self, pattern: &'a PatIdent) {
        self.own.push(&pattern.ident);
        visit::visit_pat_ident(self, pattern);
    }
}
