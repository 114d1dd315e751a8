//! The annotated function → what the rules and the expansion need to know about it.

mod boxed;
mod lasting;
mod mentions;
mod returns;
mod value;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::format_ident;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::visit::{self, Visit};
use syn::{
    Attribute, FnArg, GenericArgument, GenericParam, Pat, PatType, Path, PathArguments,
    PathSegment, Receiver, ReceiverKind, ReturnType, Signature, Token, Type, TypePath, Visibility,
    braced, token,
};

use crate::errors::error;
pub(crate) use boxed::{Boxed, is_positional};
pub(crate) use lasting::{Lasting, borrows};
pub(crate) use mentions::{mentions, renamed};
pub(crate) use returns::Returns;
use returns::returns;
use value::value;
pub(crate) use value::{Unsure, Value};

/// A function as it was written. Its body stays tokens: nobody has to read it.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) defaultness: Option<Token![default]>,
    pub(crate) signature: Signature,
    /// `None` for a required method of a trait.
    pub(crate) body: Option<Body>,
}

pub(crate) struct Body {
    pub(crate) brace: token::Brace,
    /// `#![…]` at its beginning.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) statements: TokenStream,
}

/// Reads what an attribute stands on.
pub(crate) fn function(attribute: &str, item: TokenStream) -> syn::Result<Function> {
    if let Some(keyword) = other_item(&item) {
        return Err(error(
            &keyword,
            format!("`#[{attribute}]` goes on functions, not on `{keyword}`"),
            "put it on each function or method that it is meant for",
        ));
    }
    if !has_keyword(&item, "fn") {
        return Err(error(
            &item,
            format!("`#[{attribute}]` goes on functions, and this is none"),
            "put it on each function or method that it is meant for",
        ));
    }
    syn::parse2(item)
}

fn has_keyword(item: &TokenStream, keyword: &str) -> bool {
    let mut tokens = item.clone().into_iter();
    tokens.any(|token| matches!(token, TokenTree::Ident(ident) if ident == keyword))
}

/// The keyword of an item that is no function.
fn other_item(item: &TokenStream) -> Option<Ident> {
    const KEYWORDS: [&str; 9] = [
        "struct", "enum", "union", "trait", "impl", "mod", "type", "static", "use",
    ];
    let keyword = item.clone().into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == "fn" || KEYWORDS.iter().any(|k| ident == k) => {
            Some(ident)
        }
        _ => None,
    });
    keyword.filter(|keyword| keyword != "fn")
}

impl Parse for Function {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let defaultness = input.parse()?;
        let signature = input.parse()?;
        let body = if input.parse::<Option<Token![;]>>()?.is_some() {
            None
        } else {
            let content;
            Some(Body {
                brace: braced!(content in input),
                attributes: content.call(Attribute::parse_inner)?,
                statements: content.parse()?,
            })
        };
        Ok(Self {
            attributes,
            visibility,
            defaultness,
            signature,
            body,
        })
    }
}

/// What the rules and the expansion ask about a function.
pub(crate) struct Facts {
    /// Whether it is done when it is awaited: an `async fn`, or one that returns a boxed future.
    pub(crate) is_async: bool,
    /// The boxed future that its body is.
    pub(crate) boxed: Option<Boxed>,
    pub(crate) receiver: Option<Held>,
    /// How its receiver lasts, if it has one.
    pub(crate) lasting_receiver: Option<Lasting>,
    pub(crate) arguments: Vec<Argument>,
    /// What it returns, once it is awaited.
    pub(crate) output: ReturnType,
    pub(crate) returns: Returns,
    /// The return type, if a `static` can name it.
    pub(crate) value: Option<Value>,
}

impl Facts {
    /// The body as it was written, without what boxes it.
    pub(crate) fn statements<'a>(
        &'a self,
        function: &'a Function,
    ) -> Option<(token::Brace, &'a TokenStream)> {
        let written = function.body.as_ref();
        let written = written.map(|body| (body.brace, &body.statements));
        self.boxed.as_ref().map(Boxed::body).or(written)
    }
}

/// How a method holds its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// `&self`, `self: Arc<Self>`, `self: Pin<&Self>` and their like.
    Shared,
    /// `&mut self`, `self: Pin<&mut Self>`.
    Mutably,
    /// `self`, `self: Box<Self>`.
    ByValue,
}

/// An argument other than the receiver.
pub(crate) struct Argument {
    /// What the expansion calls it: its own name, or a fresh one for a pattern.
    pub(crate) variable: Ident,
    /// The pattern that takes it apart, when it has no name.
    pub(crate) pattern: Option<Pat>,
    /// `mut` before its name.
    pub(crate) mutability: Option<Token![mut]>,
    /// `#[cfg]` on the argument, which has to stand on every statement about it.
    pub(crate) conditions: Vec<Attribute>,
    pub(crate) ty: Type,
    pub(crate) lasting: Lasting,
}

impl Argument {
    fn new(position: usize, argument: &PatType) -> Self {
        let named = match &*argument.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => Some(pat),
            _ => None,
        };
        let fresh = || format_ident!("argument_{position}", span = Span::mixed_site());
        let is_condition = |attribute: &&Attribute| attribute.path().is_ident("cfg");
        Self {
            variable: named.map_or_else(fresh, |pat| pat.ident.clone()),
            pattern: named.is_none().then(|| (*argument.pat).clone()),
            mutability: named.and_then(|pat| pat.mutability),
            conditions: argument
                .attrs
                .iter()
                .filter(is_condition)
                .cloned()
                .collect(),
            ty: (*argument.ty).clone(),
            lasting: lasting::lasting(&argument.ty),
        }
    }

    /// The name that its user gave it.
    pub(crate) fn name(&self) -> Option<&Ident> {
        self.pattern.is_none().then_some(&self.variable)
    }

    /// Whether its pattern binds `name`.
    pub(crate) fn binds(&self, name: &str) -> bool {
        let pattern = self.pattern.as_ref();
        pattern.is_some_and(|pattern| binds(pattern, name))
    }

    pub(crate) fn is_mutable_reference(&self) -> bool {
        matches!(&self.ty, Type::Reference(reference) if reference.mutability.is_some())
    }
}

fn binds(pattern: &Pat, name: &str) -> bool {
    let mut bound = Bound { name, found: false };
    bound.visit_pat(pattern);
    bound.found
}

struct Bound<'a> {
    name: &'a str,
    found: bool,
}

impl<'ast> Visit<'ast> for Bound<'_> {
    fn visit_pat_ident(&mut self, pat: &'ast syn::PatIdent) {
        self.found |= pat.ident.unraw() == self.name;
        visit::visit_pat_ident(self, pat);
    }
}

/// The names that are parameters where a function stands.
struct Parameters<'a> {
    names: Vec<&'a Ident>,
    /// Whether those of the surrounding block are among them: a macro on the function alone cannot see them.
    complete: bool,
}

impl Parameters<'_> {
    fn contain(&self, name: &Ident) -> bool {
        self.names.contains(&name)
    }
}

/// Looks at a function; `surrounding` are the parameters of the block that it stands in, if they are known.
pub(crate) fn facts(function: &Function, surrounding: Option<&[Ident]>) -> Facts {
    let signature = &function.signature;
    let arguments = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    });
    let boxed = Boxed::of(function);
    let output = awaited(function, boxed.as_ref());
    let own = signature.generics.params.iter();
    let own = own.filter_map(|parameter| match parameter {
        GenericParam::Type(parameter) => Some(&parameter.ident),
        GenericParam::Const(parameter) => Some(&parameter.ident),
        _ => None,
    });
    let parameters = Parameters {
        names: own.chain(surrounding.unwrap_or_default()).collect(),
        complete: surrounding.is_some(),
    };
    Facts {
        is_async: signature.asyncness.is_some() || boxed.is_some(),
        receiver: signature.receiver().map(held),
        lasting_receiver: signature.receiver().map(lasting::lasting_receiver),
        arguments: arguments
            .enumerate()
            .map(|(position, argument)| Argument::new(position, argument))
            .collect(),
        returns: returns(&output, &parameters),
        value: value(&output, &parameters),
        output,
        boxed,
    }
}

/// The return type, or what is inside of it if it is that of a boxed future.
fn awaited(function: &Function, boxed: Option<&Boxed>) -> ReturnType {
    match (boxed, &function.signature.output) {
        (Some(boxed), ReturnType::Type(arrow, _)) => {
            ReturnType::Type(*arrow, Box::new(boxed.output.clone()))
        }
        // A required method is no worse for the future that it returns.
        (None, ReturnType::Type(arrow, returned)) if function.body.is_none() => {
            let output = boxed::output(returned).unwrap_or(returned);
            ReturnType::Type(*arrow, Box::new(output.clone()))
        }
        (_, output) => output.clone(),
    }
}

fn held(receiver: &Receiver) -> Held {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => Held::Shared,
        ReceiverKind::Reference(_, _, Some(_)) => Held::Mutably,
        ReceiverKind::Typed(_, ty) => held_by_type(ty),
        _ => Held::ByValue,
    }
}

fn held_by_type(ty: &Type) -> Held {
    match bare(ty) {
        Type::Reference(reference) if reference.mutability.is_some() => Held::Mutably,
        Type::Reference(_) => Held::Shared,
        Type::Path(path) => match last(path) {
            Some(segment) if segment.ident == "Arc" || segment.ident == "Rc" => Held::Shared,
            Some(segment) if segment.ident == "Pin" => {
                first_type(segment).map_or(Held::ByValue, held_by_type)
            }
            _ => Held::ByValue,
        },
        _ => Held::ByValue,
    }
}

/// Without parentheses and invisible groups.
fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        _ => ty,
    }
}

fn last(path: &TypePath) -> Option<&PathSegment> {
    let Path { segments, .. } = &path.path;
    segments.last()
}

fn first_type(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}
