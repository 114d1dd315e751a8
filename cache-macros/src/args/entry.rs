//! A call that names an entry: `entry = self.get_profile(user_id)`.

use proc_macro2::Ident;
use syn::{Expr, ExprCall, ExprMethodCall};

use crate::errors::error;

/// A call of a cached function, for the entry that it would be answered from.
pub(crate) struct EntryCall {
    pub(crate) callee: Callee,
    /// `_` is an argument that is no part of the key.
    pub(crate) arguments: Vec<Expr>,
    /// The call as it was written.
    pub(crate) written: Expr,
}

/// What is called.
pub(crate) enum Callee {
    /// `self.users.get(id)`.
    Method(Box<ExprMethodCall>),
    /// `path::to::get(id)`, and the last name of its path.
    Function(ExprCall, Ident),
}

impl Callee {
    /// The name of the function.
    pub(crate) fn name(&self) -> &Ident {
        match self {
            Self::Method(call) => &call.method,
            Self::Function(_, name) => name,
        }
    }
}

/// Reads the value of `entry`.
pub(super) fn read(written: Expr) -> syn::Result<EntryCall> {
    let (callee, arguments) = match &written {
        Expr::MethodCall(call) => (Callee::Method(Box::new(call.clone())), &call.args),
        Expr::Call(call) => (function(call, &written)?, &call.args),
        _ => return Err(no_call(&written)),
    };
    Ok(EntryCall {
        callee,
        arguments: arguments.iter().map(argument).collect(),
        written,
    })
}

/// What went through a `macro_rules` macro, such as a `$function:path`, comes wrapped.
fn unwrapped(mut expression: &Expr) -> &Expr {
    while let Expr::Group(group) = expression {
        expression = &group.expr;
    }
    expression
}

/// An argument, of which `_` is known as such.
fn argument(written: &Expr) -> Expr {
    match unwrapped(written) {
        nothing @ Expr::Infer(_) => nothing.clone(),
        _ => written.clone(),
    }
}

fn function(call: &ExprCall, written: &Expr) -> syn::Result<Callee> {
    let Expr::Path(path) = unwrapped(&call.func) else {
        return Err(no_call(written));
    };
    let Some(last) = path.path.segments.last() else {
        return Err(no_call(written));
    };
    if last.ident.to_string().starts_with(char::is_uppercase) {
        return Err(error(
            &call.func,
            format!(
                "`{}` is no function with a name of its own, and `entry` names a call of a cached function",
                last.ident
            ),
            "call the function whose answers are kept: `entry = path::to::function(id)`",
        ));
    }
    Ok(Callee::Function(call.clone(), last.ident.clone()))
}

fn no_call(written: &Expr) -> syn::Error {
    let (problem, way_out) = match written {
        Expr::Await(_) | Expr::Try(_) => (
            "`entry` names a call and does not make it, so there is no answer to wait for or to look at",
            "write the call alone: `entry = self.get_profile(user_id)`",
        ),
        Expr::Lit(_) => (
            "`entry` names an entry by a call of the cached function that it belongs to, and this is no call",
            "write the call with its arguments: `entry = self.get_profile(user_id)`; a pattern stands alone, `\"booking:*\"`",
        ),
        _ => (
            "`entry` names an entry by a call of the cached function that it belongs to, and this is no call of one",
            "write the call with its arguments: `entry = self.get_profile(user_id)` or `entry = path::to::function(id)`; \
             to invalidate more, use a pattern: `\"booking:*\"`",
        ),
    };
    error(written, problem, way_out)
}
