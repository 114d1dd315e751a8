//! The rules across arguments and the function: Args + Facts → Plan, or every mistake.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Expr};

use crate::args::{Cached, Invalidate, Outcome, Tier};
use crate::duration::Ttl;
use crate::errors::{Errors, compact, quoted};
use crate::function_rules as function;
use crate::placeholder::{self, Names};
use crate::signature::{Facts, Function};

/// All that the expansion of `#[cached]` puts into tokens.
#[derive(Debug)]
pub(crate) struct CachedPlan {
    pub(crate) key_prefix: String,
    /// What the placeholders of the key prefix stand for.
    pub(crate) segments: Vec<Expr>,
    /// What the key is made of.
    pub(crate) arguments: Vec<KeyPart>,
    /// What separates entries beside the arguments.
    pub(crate) scopes: Vec<Expr>,
    pub(crate) ttl: Option<Ttl>,
    pub(crate) none_ttl: Option<Ttl>,
    pub(crate) version: Option<u32>,
    pub(crate) tier: Option<Tier>,
    pub(crate) single_flight: bool,
    pub(crate) cache: Option<Expr>,
    pub(crate) outcome: Option<Outcome>,
    /// A name in the return type that must not be a type parameter.
    pub(crate) concrete: Option<Ident>,
}

/// One argument of the key.
#[derive(Debug)]
pub(crate) struct KeyPart {
    pub(crate) expression: TokenStream,
    pub(crate) conditions: Vec<Attribute>,
    /// Where a bound that it does not meet is reported.
    pub(crate) blame: Span,
}
