//! A call that names an entry: `entry = self.get_profile(user_id)`.

use proc_macro2::Ident;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprCall, ExprMethodCall, Token};

use crate::errors::error;

/// A call of a cached function, for the entry that it would be answered from.
pub(crate) struct EntryCall {
    pub(crate) callee: Callee,
    /// `None` for `_`: an argument that is no part of the key.
    pub(crate) arguments: Vec<Option<Expr>>,
    /// The call as it was written.
    pub(crate) written: Expr,
}

/// What is called.
pub(crate) enum Callee {
    /// `self.users.get`.
    Method(Box<ExprMethodCall>, Ident),
    /// `path::to::get`.
    Function(Expr, Ident),
}

impl Callee {
    /// The name of the function, which is where errors about it are reported.
    pub(crate) fn name(&self) -> &Ident {
        match self {
            Self::Method(_, name) | Self::Function(_, name) => name,
        }
    }
}

/// The most arguments that such a call can have.
const MOST: usize = 12;

/// Reads the value of `entry`.
pub(super) fn read(written: Expr) -> syn::Result<EntryCall> {
    let (callee, arguments) = match &written {
        Expr::MethodCall(call) => {
            let name = call.method.clone();
            (Callee::Method(Box::new(call.clone()), name), &call.args)
        }
        Expr::Call(ExprCall { func, args, .. }) => match &**func {
            Expr::Path(path) => {
                let last = path.path.segments.last();
                let name = last.map(|segment| segment.ident.clone());
                let name = name.ok_or_else(|| no_call(&written))?;
                (Callee::Function((**func).clone(), name), args)
            }
            _ => return Err(no_call(&written)),
        },
        _ => return Err(no_call(&written)),
    };
    let arguments = given(arguments)?;
    Ok(EntryCall {
        callee,
        arguments,
        written,
    })
}

fn given(arguments: &Punctuated<Expr, Token![,]>) -> syn::Result<Vec<Option<Expr>>> {
    if let Some(beyond) = arguments.iter().nth(MOST) {
        return Err(error(
            beyond,
            format!("a call that names an entry has at most {MOST} arguments"),
            "invalidate by a pattern instead: `#[invalidate_cache(\"booking:*\")]`",
        ));
    }
    let given = arguments.iter().map(|argument| match argument {
        Expr::Infer(_) => None,
        _ => Some(argument.clone()),
    });
    Ok(given.collect())
}

fn no_call(written: &Expr) -> syn::Error {
    let (problem, way_out) = match written {
        Expr::Await(_) | Expr::Try(_) => (
            "`entry` names a call and does not make it, so there is nothing to wait for",
            "write the call alone: `entry = self.get_profile(user_id)`",
        ),
        _ => (
            "`entry` names an entry by a call of the cached function that it belongs to",
            "write the call with its arguments: `entry = self.get_profile(user_id)` or `entry = path::to::function(id)`; \
             to invalidate more, use a pattern: `\"booking:*\"`",
        ),
    };
    error(written, problem, way_out)
}
