//! The annotated function → what the rules and the expansion need to know about it.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::visit::{self, Visit};
use syn::{
    Attribute, FnArg, GenericArgument, Pat, PatType, Path, PathArguments, PathSegment, Receiver,
    ReceiverKind, ReturnType, Signature, Token, Type, TypePath, Visibility, braced, token,
};

use crate::errors::error;

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
    pub(crate) is_async: bool,
    pub(crate) receiver: Option<Held>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) returns: Returns,
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
    /// `#[cfg]` on the argument, which has to stand on every statement about it.
    pub(crate) conditions: Vec<Attribute>,
    pub(crate) ty: Type,
}

impl Argument {
    fn new(position: usize, argument: &PatType) -> Self {
        let named = match &*argument.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => Some(&pat.ident),
            _ => None,
        };
        let fresh = || format_ident!("argument_{position}", span = Span::mixed_site());
        let is_condition = |attribute: &&Attribute| attribute.path().is_ident("cfg");
        Self {
            variable: named.cloned().unwrap_or_else(fresh),
            pattern: named.is_none().then(|| (*argument.pat).clone()),
            conditions: argument
                .attrs
                .iter()
                .filter(is_condition)
                .cloned()
                .collect(),
            ty: (*argument.ty).clone(),
        }
    }

    /// The name that its user gave it.
    pub(crate) fn name(&self) -> Option<&Ident> {
        self.pattern.is_none().then_some(&self.variable)
    }

    /// Whether its pattern binds `name`.
    pub(crate) fn binds(&self, name: &str) -> bool {
        let mut bound = Bound { name, found: false };
        if let Some(pattern) = &self.pattern {
            bound.visit_pat(pattern);
        }
        bound.found
    }

    pub(crate) fn is_mutable_reference(&self) -> bool {
        matches!(&self.ty, Type::Reference(reference) if reference.mutability.is_some())
    }
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

/// What a return type shows of itself.
pub(crate) enum Returns {
    Nothing,
    Never,
    /// `impl Trait`, at the top or inside; whether that trait is `Future`.
    Opaque {
        in_result: bool,
        future: bool,
    },
    /// `Pin<Box<dyn Future<…>>>`: what `#[async_trait]` makes of an `async fn`.
    BoxedFuture,
    /// A reference, at the top or inside; whether all of them are `'static`.
    Borrowed {
        for_ever: bool,
    },
    /// `T`, `Self::Out`, `<T as Trait>::Out`, or a `Result` of one: may be an `Option` or a `Result`, or not.
    Hidden,
    /// A type whose outcome the compiler finds out. `unsure` is a lone name in it that may be a type parameter of
    /// the surrounding `impl` or `trait`, which a macro on the method cannot see.
    Plain {
        unsure: Option<Ident>,
    },
}

/// Looks at a function.
pub(crate) fn facts(function: &Function) -> Facts {
    let signature = &function.signature;
    let arguments = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    });
    let parameters: Vec<&Ident> = signature
        .generics
        .type_params()
        .map(|parameter| &parameter.ident)
        .collect();
    Facts {
        is_async: signature.asyncness.is_some(),
        receiver: signature.receiver().map(held),
        arguments: arguments
            .enumerate()
            .map(|(position, argument)| Argument::new(position, argument))
            .collect(),
        returns: returns(&signature.output, &parameters),
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

fn returns(output: &ReturnType, parameters: &[&Ident]) -> Returns {
    let ReturnType::Type(_, ty) = output else {
        return Returns::Nothing;
    };
    let ty = bare(ty);
    let value = value_of_result(ty);
    // An error is not kept, so it may be borrowed.
    let kept = Parts::of(value.unwrap_or(ty));
    let Parts { opaque, future, .. } = Parts::of(ty);
    match ty {
        Type::Tuple(tuple) if tuple.elems.is_empty() => Returns::Nothing,
        Type::Never(_) => Returns::Never,
        _ if is_boxed_future(ty) => Returns::BoxedFuture,
        _ if opaque => Returns::Opaque {
            in_result: is_result(ty),
            future,
        },
        _ if kept.borrowed => Returns::Borrowed { for_ever: false },
        _ if kept.borrowed_for_ever => Returns::Borrowed { for_ever: true },
        _ if is_result(ty) => value.map_or(Returns::Plain { unsure: None }, |value| {
            shown(value, parameters)
        }),
        Type::Path(_) => shown(ty, parameters),
        _ => Returns::Plain { unsure: None },
    }
}

/// Whether `ty` shows that it is no `Option` and no `Result`, or that it is one.
fn shown(ty: &Type, parameters: &[&Ident]) -> Returns {
    let Type::Path(TypePath { qself, path, .. }) = bare(ty) else {
        return Returns::Plain { unsure: None };
    };
    let hides = |segment: &PathSegment| {
        segment.ident == "Self"
            || parameters.contains(&&segment.ident)
            || segment.ident.to_string().len() == 1
    };
    let alone = path.get_ident();
    match path.segments.first() {
        _ if qself.is_some() => Returns::Hidden,
        // `Self` alone is some struct or enum, but for default methods of traits.
        Some(_) if alone.is_some_and(|ident| ident == "Self") => Returns::Plain { unsure: None },
        Some(first) if hides(first) => Returns::Hidden,
        // Type parameters begin with a capital; leaving out `u64` and its like keeps expansions short.
        _ => Returns::Plain {
            unsure: alone
                .filter(|name| name.to_string().starts_with(char::is_uppercase))
                .cloned(),
        },
    }
}

/// `T` of `Result<T, E>` and of aliases of this name.
fn value_of_result(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Path(path) if is_result(ty) => last(path).and_then(first_type),
        _ => None,
    }
}

fn is_result(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if last(path).is_some_and(|segment| segment.ident == "Result"))
}

fn is_boxed_future(ty: &Type) -> bool {
    let argument = |ty: &Type, name: &str| match bare(ty) {
        Type::Path(path) => last(path)
            .filter(|segment| segment.ident == name)
            .and_then(first_type)
            .cloned(),
        _ => None,
    };
    let pinned = argument(ty, "Pin").and_then(|pinned| argument(&pinned, "Box"));
    matches!(pinned, Some(Type::TraitObject(object))
        if object.bounds.to_token_stream().to_string().contains("Future"))
}

/// What occurs in a type, outside function types.
#[derive(Default)]
struct Parts {
    opaque: bool,
    /// `impl Future`.
    future: bool,
    borrowed: bool,
    borrowed_for_ever: bool,
}

impl Parts {
    fn of(ty: &Type) -> Self {
        let mut parts = Self::default();
        parts.visit_type(ty);
        parts
    }
}

impl<'ast> Visit<'ast> for Parts {
    fn visit_type_impl_trait(&mut self, ty: &'ast syn::TypeImplTrait) {
        self.opaque = true;
        self.future |= ty.bounds.iter().any(|bound| match bound {
            syn::TypeParamBound::Trait(bound) => {
                let name = bound.path.segments.last();
                name.is_some_and(|name| name.ident == "Future" || name.ident == "IntoFuture")
            }
            _ => false,
        });
    }

    fn visit_generic_argument(&mut self, argument: &'ast GenericArgument) {
        if let GenericArgument::Lifetime(lifetime) = argument {
            self.borrowed |= lifetime.ident != "static";
        }
        visit::visit_generic_argument(self, argument);
    }

    // `dyn for<'a> Trait<'a>` borrows nothing.
    fn visit_trait_bound(&mut self, bound: &'ast syn::TraitBound) {
        if bound.lifetimes.is_none() {
            visit::visit_trait_bound(self, bound);
        }
    }

    fn visit_type_reference(&mut self, reference: &'ast syn::TypeReference) {
        match &reference.lifetime {
            Some(lifetime) if lifetime.ident == "static" => self.borrowed_for_ever = true,
            _ => self.borrowed = true,
        }
        visit::visit_type_reference(self, reference);
    }

    // References in the arguments of a function are not part of a value.
    fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments(
        &mut self,
        _: &'ast syn::ParenthesizedGenericArguments,
    ) {
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
