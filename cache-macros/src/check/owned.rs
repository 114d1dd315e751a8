//! Rules about a body that may go on after the call: what it is lent has to be cloned for it.

use proc_macro2::{Ident, Literal, Span};
use quote::ToTokens;
use syn::{ReturnType, Type};

use super::key::{is_in_the_key, telling_token};
use crate::args::Cached;
use crate::errors::Errors;
use crate::signature::{Argument, Facts, Function, Lasting, borrows, mentions, renamed};

/// What has to be cloned for a body that may go on after the call. What it does not mention is not.
pub(crate) struct Kept {
    /// Its receiver, where it is lent.
    pub(crate) receiver: Option<Ident>,
    /// Its arguments that are lent.
    pub(crate) arguments: Vec<Lent>,
}

/// An argument that is lent to the call.
pub(crate) struct Lent {
    pub(crate) position: usize,
    /// Where it is reported that it can't be cloned.
    pub(crate) blame: Span,
}

/// What is kept for the body of a function, if it may go on after the call.
pub(super) fn kept(
    args: &Cached,
    written: &Function,
    facts: &Facts,
    errors: &mut Errors,
) -> Option<Kept> {
    let (key, inherited) = args.freshness.outlives_the_call()?;
    let because = Because { key, inherited };
    if let ReturnType::Type(_, returned) = &facts.output {
        because.returns_nothing_borrowed(returned, facts, errors);
    }
    let lent = facts.arguments.iter().enumerate();
    let lent = lent.filter(|(_, argument)| is_mentioned(argument, written, facts));
    let lent = lent.filter_map(|(position, argument)| {
        // That it is no part of a key has been told.
        let is_told = argument.is_mutable_reference() && is_in_the_key(args, argument);
        if !is_told {
            because.lasts(&argument.ty, argument.lasting, None, errors);
        }
        (argument.lasting == Lasting::Cloned).then(|| Lent {
            position,
            blame: telling_token(&argument.ty),
        })
    });
    let arguments = lent.collect();
    Some(Kept {
        receiver: because.receiver(written, facts, errors),
        arguments,
    })
}

/// Whether the body has anything of an argument.
fn is_mentioned(argument: &Argument, written: &Function, facts: &Facts) -> bool {
    match &argument.pattern {
        Some(pattern) => !matches!(pattern, syn::Pat::Wild(_)),
        None => {
            let name = argument.variable.to_string();
            let statements = facts.statements(written);
            statements.is_some_and(|(_, body)| mentions(body, name.trim_start_matches("r#")))
        }
    }
}

/// The argument of the attribute for whose sake the body may go on.
struct Because<'a> {
    key: &'a Ident,
    inherited: bool,
}

impl Because<'_> {
    fn text(&self) -> String {
        let default = if self.inherited { "the default " } else { "" };
        format!(
            "{default}`{}` lets the body go on when the call has returned",
            self.key
        )
    }

    fn receiver(&self, written: &Function, facts: &Facts, errors: &mut Errors) -> Option<Ident> {
        let (receiver, lasting) = (written.signature.receiver()?, facts.lasting_receiver?);
        let (_, body) = facts.statements(written)?;
        let body = renamed(body.clone(), &Ident::new("this", Span::call_site()));
        // That nothing is changed by a hit has been told.
        if !(body.is_mentioned || body.captured.is_some()) || lasting == Lasting::Changed {
            return None;
        }
        if lasting == Lasting::Cloned {
            self.captures_no_receiver(body.captured, errors);
            return Some(Ident::new("self", receiver.self_token.span));
        }
        let way_out = "take `&self` or `self: Arc<Self>`";
        self.lasts(receiver, lasting, Some(way_out), errors);
        None
    }

    fn captures_no_receiver(&self, captured: Option<Literal>, errors: &mut Errors) {
        if let Some(text) = captured {
            errors.at(
                text,
                format!(
                    "{}: its `self` is a clone with another name, which no text can capture",
                    self.text()
                ),
                "give it as an argument: `\"{}\", self` for `\"{self}\"`",
            );
        }
    }

    fn lasts(
        &self,
        culprit: impl ToTokens,
        lasting: Lasting,
        receiver: Option<&str>,
        errors: &mut Errors,
    ) {
        let (problem, way_out) = match lasting {
            Lasting::Moved | Lasting::Cloned => return,
            Lasting::Changed => (
                ", and what it would change by a `&mut` is its caller's again",
                "take what is shared, such as an `Arc<Mutex<T>>`, or an owned value",
            ),
            Lasting::Object => (
                ", and a trait object that is lent to it cannot be cloned",
                "take an `Arc<dyn Trait>`",
            ),
            Lasting::Borrows => (
                ", and what this type borrows inside is gone by then",
                "take an owned value, such as `Option<String>` for `Option<&str>` and `Vec<String>` for `&[&str]`, or \
                 an `Arc`",
            ),
            Lasting::Local => (
                ", on another thread, where an `Rc` cannot go",
                "take an `Arc`",
            ),
        };
        let way_out = receiver.unwrap_or(way_out);
        errors.at(
            culprit,
            format!("{}{problem}", self.text()),
            format!("{way_out}; or do without `{}`", self.key),
        );
    }

    fn returns_nothing_borrowed(&self, returned: &Type, facts: &Facts, errors: &mut Errors) {
        // What no cached function can return has been told.
        if borrows(returned) && !facts.returns.is_borrowed() {
            errors.at(
                returned,
                format!(
                    "{}, and what this type borrows from is gone by then",
                    self.text()
                ),
                format!(
                    "return an error that owns what it tells; or do without `{}`",
                    self.key
                ),
            );
        }
    }
}
