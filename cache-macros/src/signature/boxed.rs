//! Functions that return a boxed future which their body is: what `#[async_trait]` makes of an `async fn`.
//!
//! They are recognized by what they are and not by who wrote them, so those that are written by hand work as well, and
//! those that another attribute has put something around, as `#[tracing::instrument]` does.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{
    Attribute, Block, Expr, GenericArgument, Path, PathArguments, ReturnType, Stmt, Token,
    TraitBound, Type, TypeParamBound, braced, parenthesized, token,
};

use super::{Function, bare, binds, first_type, last};

/// A function whose body is `Box::pin(async move { … })` or `async move { … }.boxed()` and nothing else.
pub(crate) struct Boxed {
    /// What the future gives.
    pub(crate) output: Type,
    body: BoxedBlock,
}

/// An `async` block and what boxes it.
struct BoxedBlock {
    boxing: Boxing,
    asyncness: Token![async],
    brace: token::Brace,
    attributes: Vec<Attribute>,
    statements: TokenStream,
}

enum Boxing {
    /// `Box::pin(…)`.
    Pin(Path, token::Paren),
    /// `.boxed()` or `.boxed_local()`, as the crate `futures` has them.
    Method(TokenStream),
}

impl Boxed {
    /// Looks at a function.
    pub(super) fn of(function: &Function) -> Option<Self> {
        let (None, ReturnType::Type(_, returned)) =
            (function.signature.asyncness, &function.signature.output)
        else {
            return None;
        };
        let output = output(returned)?.clone();
        let statements = function.body.as_ref()?.statements.clone();
        let body = syn::parse2(statements).ok()?;
        Some(Self { output, body })
    }

    /// What is done when the future is awaited.
    pub(crate) fn body(&self) -> (token::Brace, &TokenStream) {
        (self.body.brace, &self.body.statements)
    }

    /// Whether `#[async_trait]` has moved a pattern that binds `name` from the arguments into the future:
    /// `let (name, b) = { let __arg1 = __arg1; __arg1 };`.
    pub(crate) fn takes_apart(&self, name: &str) -> bool {
        let statements = Block::parse_within.parse2(self.body.statements.clone());
        statements.unwrap_or_default().iter().any(|statement| {
            let Stmt::Local(local) = statement else {
                return false;
            };
            let value = local.init.as_ref().map(|init| &*init.expr);
            matches!(value, Some(Expr::Block(block)) if is_argument(block.block.stmts.last()))
                && binds(&local.pat, name)
        })
    }

    /// The same function body with other statements in it.
    pub(crate) fn with_statements(&self, statements: &TokenStream) -> TokenStream {
        let BoxedBlock {
            boxing,
            asyncness,
            brace,
            attributes,
            ..
        } = &self.body;
        // What is not moved is borrowed from `self`, and may as well be moved: a reference.
        let mut future = quote!(#asyncness move);
        brace.surround(&mut future, |block| {
            block.extend(quote!(#(#attributes)* #statements));
        });
        match boxing {
            Boxing::Pin(path, paren) => {
                let mut call = quote!(#path);
                paren.surround(&mut call, |arguments| arguments.extend(future));
                call
            }
            Boxing::Method(call) => quote!(#future #call),
        }
    }
}

impl Parse for BoxedBlock {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let boxed = if input.peek(Token![async]) {
            Self::with_method(input)
        } else {
            Self::in_pin(input)
        };
        let boxed = boxed?;
        if input.is_empty() {
            Ok(boxed)
        } else {
            Err(input.error("more than a boxed `async` block"))
        }
    }
}

impl BoxedBlock {
    fn in_pin(input: ParseStream) -> syn::Result<Self> {
        let path = input.call(Path::parse_mod_style)?;
        let mut names = path.segments.iter().rev().map(|segment| &segment.ident);
        let is = |name: Option<&Ident>, wanted| name.is_some_and(|name| name == wanted);
        if !(is(names.next(), "pin") && is(names.next(), "Box")) {
            return Err(input.error("no `Box::pin`"));
        }
        let future;
        let paren = parenthesized!(future in input);
        let mut boxed = Self::block(&future)?;
        future.parse::<Option<Token![,]>>()?;
        boxed.boxing = Boxing::Pin(path, paren);
        Ok(boxed)
    }

    fn with_method(input: ParseStream) -> syn::Result<Self> {
        let mut boxed = Self::block(input)?;
        let dot: Token![.] = input.parse()?;
        let method: Ident = input.parse()?;
        let arguments;
        parenthesized!(arguments in input);
        if !(method == "boxed" || method == "boxed_local") || !arguments.is_empty() {
            return Err(input.error("no `boxed()`"));
        }
        boxed.boxing = Boxing::Method(quote!(#dot #method()));
        Ok(boxed)
    }

    /// `async move { … }`, not boxed yet.
    fn block(input: ParseStream) -> syn::Result<Self> {
        let asyncness = input.parse()?;
        input.parse::<Option<Token![move]>>()?;
        let block;
        let brace = braced!(block in input);
        Ok(Self {
            boxing: Boxing::Method(TokenStream::new()),
            asyncness,
            brace,
            attributes: block.call(Attribute::parse_inner)?,
            statements: block.parse()?,
        })
    }
}

/// `R` of `Pin<Box<dyn Future<Output = R>>>`, and of `BoxFuture<R>` as the crate `futures` has it.
pub(super) fn output(returned: &Type) -> Option<&Type> {
    let future = ["BoxFuture", "LocalBoxFuture"];
    let by_alias = future.iter().find_map(|alias| argument(returned, alias));
    by_alias.or_else(|| {
        let boxed = argument(returned, "Pin").and_then(|pinned| argument(pinned, "Box"))?;
        match bare(boxed) {
            Type::TraitObject(object) => object.bounds.iter().find_map(output_of_bound),
            _ => None,
        }
    })
}

fn is_argument(last: Option<&Stmt>) -> bool {
    match last {
        Some(Stmt::Expr(Expr::Path(path), None)) => {
            path.path.get_ident().is_some_and(is_positional)
        }
        _ => false,
    }
}

/// Whether a name is what `#[async_trait]` calls an argument that has none.
pub(crate) fn is_positional(name: &Ident) -> bool {
    let name = name.to_string();
    let position = name.strip_prefix("__arg");
    position.is_some_and(|position| position.parse::<usize>().is_ok())
}

/// `T` of `name<T>`.
fn argument<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    match bare(ty) {
        Type::Path(path) => last(path)
            .filter(|segment| segment.ident == name)
            .and_then(first_type),
        _ => None,
    }
}

fn output_of_bound(bound: &TypeParamBound) -> Option<&Type> {
    let TypeParamBound::Trait(TraitBound { path, .. }) = bound else {
        return None;
    };
    let future = path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &future.arguments else {
        return None;
    };
    let mut arguments = arguments.args.iter();
    arguments.find_map(|argument| match argument {
        GenericArgument::AssocType(output)
            if future.ident == "Future" && output.ident == "Output" =>
        {
            Some(&output.ty)
        }
        _ => None,
    })
}
