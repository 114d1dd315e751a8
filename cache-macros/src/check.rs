//! The rules across arguments and function: Args + Facts → Plan, every mistake collected on the way.

mod batch;
mod codec;
mod expressions;
mod freshness;
mod function;
mod inherited;
mod key;
mod names;
mod owned;
mod update;

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::{Attribute, Expr, Path};

use crate::args::{
    Argument, Cached, Callee, EntryCall, Freshness, Invalidate, Keyed, Outcome, Tier,
};
use crate::duration::Ttl;
use crate::errors::Errors;
use crate::signature::{Facts, Function, Returns, Value};
use crate::template::Template;
pub(crate) use batch::{Batch, element};
use names::Names;
pub(crate) use owned::Kept;
pub(crate) use update::{UpdatePlan, update};

/// All that the expansion of `#[cached]` puts into tokens.
pub(crate) struct CachedPlan {
    /// Empty when there is none.
    pub(crate) key_prefix: String,
    /// As they are written.
    pub(crate) tags: Vec<String>,
    /// What the placeholders of the key prefix stand for, in order, and behind them those of the tags.
    pub(crate) segments: Vec<TokenStream>,
    pub(crate) arguments: Vec<KeyPart>,
    /// Which of the function's arguments these are.
    pub(crate) key_parts: KeyParts,
    pub(crate) has_receiver: bool,
    /// Whether anything of the instance tells its entries from those of others.
    pub(crate) is_scoped: bool,
    pub(crate) batch: Option<Batch>,
    /// What separates entries beside the arguments.
    pub(crate) scopes: Vec<Expr>,
    pub(crate) ttl: Option<Ttl>,
    pub(crate) none_ttl: Option<Ttl>,
    pub(crate) ttl_with: Option<Expr>,
    pub(crate) bypass_if: Option<Expr>,
    pub(crate) store_if: Option<Expr>,
    /// Shares in parts per million.
    pub(crate) jitter: Option<u32>,
    pub(crate) verify: Option<u32>,
    pub(crate) version: Option<u32>,
    pub(crate) tier: Option<Tier>,
    pub(crate) single_flight: bool,
    pub(crate) freshness: Freshness,
    /// What is cloned for the body, if it may go on after the call.
    pub(crate) kept: Option<Kept>,
    pub(crate) cache: Option<Expr>,
    pub(crate) outcome: Argument<Outcome>,
    pub(crate) codec: Option<Expr>,
    /// `none_ttl`, if only the compiler knows whether there is a `None`.
    pub(crate) needs_absence: Option<Ident>,
    /// A name in the return type that must not be a type parameter.
    pub(crate) concrete: Option<Ident>,
    /// What the descriptor says of the value.
    pub(crate) value: Option<Value>,
    /// Where the facade is, if not at `::cachewright`.
    pub(crate) facade: Option<Path>,
}

/// Which of a function's arguments its key is made of, after how many there are.
pub(crate) enum KeyParts {
    All(u8),
    Some(u8, Vec<u8>),
    /// Expressions over them.
    Chosen(u8),
    /// Some are there under a condition.
    Conditional,
}

/// One part of the key.
pub(crate) struct KeyPart {
    pub(crate) expression: Expr,
    /// `#[cfg]` under which it exists.
    pub(crate) conditions: Vec<Attribute>,
    /// Where it is reported that it can't be a part of a key.
    pub(crate) blame: Span,
}

/// All that the expansion of `#[invalidate_cache]` puts into tokens.
pub(crate) struct InvalidatePlan {
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) entries: Vec<EntryCall>,
    pub(crate) tags: Vec<Pattern>,
    pub(crate) always: bool,
    pub(crate) cache: Option<Expr>,
    pub(crate) outcome: Argument<Outcome>,
    /// Where the facade is, if not at `::cachewright`.
    pub(crate) facade: Option<Path>,
}

/// A pattern or a tag, and what its placeholders stand for, in order.
pub(crate) struct Pattern {
    pub(crate) text: String,
    pub(crate) segments: Vec<TokenStream>,
}

/// Applies the rules of `#[cached]`.
pub(crate) fn cached(
    mut args: Cached,
    written: &Function,
    facts: &Facts,
    errors: &mut Errors,
) -> CachedPlan {
    function::is_plain(written, errors);
    function::is_cached_alone(
        written,
        errors,
        &["cached", "invalidate_cache", "update_cache"],
    );
    function::has_a_body(written, errors);
    function::holds_its_receiver_shared(written, facts, errors);
    function::returns_a_value_to_keep(written, facts, &args, errors);
    function::shows_its_outcome(written, facts, args.outcome.as_ref(), errors);
    absence_is_possible(&args, errors);
    batch::waits_for_its_body(&mut args, errors);
    freshness::fits(&args, written, errors);
    codec::has_a_store(&mut args, errors);

    let names = Names::new(written, facts).of_batch(args.batch.as_ref());
    inherited::resolve(&mut args, &names);
    expressions::find_their_names(&args, &names, errors);
    let batch = batch::batch(&args, written, facts, &names, errors);
    inherited::fits_cached(&args, written, &names, errors);
    let arguments = key::parts(&args, facts, &names, errors);
    let template = args.key_prefix.as_ref().map(|key_prefix| &key_prefix.value);
    CachedPlan {
        kept: owned::kept(&args, written, facts, errors),
        key_prefix: template.map_or_else(String::new, |template| template.literal.value()),
        tags: args
            .tags
            .iter()
            .flat_map(|tags| texts(&tags.value))
            .collect(),
        segments: segments(&args, written, &names, errors),
        key_parts: key::positions(&args, facts),
        has_receiver: facts.receiver.is_some(),
        is_scoped: key::is_scoped(&args),
        scopes: key::scopes(&args, facts, &names),
        arguments,
        // A value that never leaves the process has no shape for serde.
        value: match (&args.tier, &args.outcome) {
            (None, None) => facts.value.clone(),
            (Some(tier), None) if matches!(tier.value, Tier::Shared) => facts.value.clone(),
            _ => None,
        },
        concrete: match &facts.returns {
            // What a batch returns has to be seen to be one.
            Returns::Plain { unsure } if args.outcome.is_none() && batch.is_none() => {
                unsure.clone()
            }
            _ => None,
        },
        needs_absence: match (&args.none_ttl, &args.outcome) {
            // A default is for those functions of a block that may return one.
            // Nor is one needed where each element may be absent.
            (Some(none_ttl), None) if !none_ttl.inherited && batch.is_none() => {
                Some(none_ttl.key.clone())
            }
            _ => None,
        },
        batch,
        ttl: given(args.ttl),
        none_ttl: given(args.none_ttl),
        ttl_with: given(args.ttl_with),
        bypass_if: given(args.bypass_if),
        store_if: given(args.store_if),
        jitter: given(args.jitter),
        verify: given(args.verify),
        version: given(args.version),
        tier: given(args.tier),
        single_flight: given(args.single_flight).unwrap_or(true),
        freshness: args.freshness,
        cache: given(args.cache),
        outcome: args.outcome,
        codec: given(args.codec),
        facade: given(args.krate),
    }
}

/// What the placeholders of the key prefix stand for, and behind them those of the tags.
fn segments(
    args: &Cached,
    written: &Function,
    names: &Names<'_>,
    errors: &mut Errors,
) -> Vec<TokenStream> {
    let mut segments = Vec::new();
    let mut add = |own, template: &Template, inherited| {
        segments.extend(if inherited {
            inherited::segments(own, template, written, names, errors)
        } else {
            names.segments(template, errors)
        });
    };
    if let Some(key_prefix) = &args.key_prefix {
        add(
            "key_prefix = \"…\"",
            &key_prefix.value,
            key_prefix.inherited,
        );
    }
    if let Some(tags) = &args.tags {
        let each = tags.value.iter();
        each.for_each(|tag| add("tags(…)", tag, tags.inherited));
    }
    segments
}

/// Applies the rules of `#[invalidate_cache]`.
pub(crate) fn invalidate(
    mut args: Invalidate,
    written: &Function,
    facts: &Facts,
    errors: &mut Errors,
) -> InvalidatePlan {
    function::is_plain(written, errors);
    function::is_cached_alone(written, errors, &["cached"]);
    function::has_a_body(written, errors);
    function::returns(written, facts, errors);
    function::is_done_when_it_returns(written, facts, args.outcome.as_ref(), errors);
    something_is_invalidated(&args, written, errors);

    let names = Names::new(written, facts);
    inherited::resolve_cache(&mut args.cache, &names);
    match &args.cache {
        Some(cache) if !cache.inherited => names.need_receiver(&cache.value, errors),
        _ => inherited::fits_invalidate(&args, written, &names, errors),
    }
    for entry in &args.entries {
        names.need_receiver(&entry.written, errors);
        calls_no_argument(entry, &names, errors);
    }
    let mut pattern = |template: &Template| Pattern {
        text: template.literal.value(),
        segments: names.segments(template, errors),
    };
    let tags = given(args.tags).unwrap_or_default();
    InvalidatePlan {
        patterns: args.patterns.iter().map(&mut pattern).collect(),
        tags: tags.iter().map(pattern).collect(),
        entries: args.entries,
        always: given(args.always).unwrap_or(false),
        cache: given(args.cache),
        outcome: args.outcome.or_else(|| opaque_outcome(written, facts)),
        facade: given(args.krate),
    }
}

fn texts(templates: &[Template]) -> impl Iterator<Item = String> {
    templates.iter().map(|template| template.literal.value())
}

fn given<T>(argument: Argument<T>) -> Option<T> {
    argument.map(|argument| argument.value)
}

/// What a writer returns that hides its type behind `impl Trait`.
///
/// The type can't be named, so it can't be asked. Taken for a plain value it invalidates always, which is the safe side.
fn opaque_outcome(written: &Function, facts: &Facts) -> Argument<Outcome> {
    let Returns::Opaque { in_result, .. } = facts.returns else {
        return None;
    };
    Some(Keyed {
        key: written.signature.ident.clone(),
        value: if in_result {
            Outcome::Result
        } else {
            Outcome::Value
        },
        inherited: false,
    })
}

fn absence_is_possible(args: &Cached, errors: &mut Errors) {
    let (Some(none_ttl), Some(outcome)) = (&args.none_ttl, &args.outcome) else {
        return;
    };
    if matches!(outcome.value, Outcome::Value | Outcome::Result) && !none_ttl.inherited {
        errors.at(
            &none_ttl.key,
            "`none_ttl` says how long a `None` is kept, but with this `outcome` the function never returns one",
            "leave `none_ttl` out, or write `outcome = \"option\"` or `outcome = \"result_option\"`",
        );
    }
}

fn calls_no_argument(entry: &EntryCall, names: &Names<'_>, errors: &mut Errors) {
    let Callee::Function(call, name) = &entry.callee else {
        return;
    };
    let is_alone = matches!(&*call.func, Expr::Path(path) if path.path.get_ident().is_some());
    if is_alone && names.find(&name.unraw().to_string()).is_some() {
        errors.at(
            name,
            format!("`{name}` is an argument, and `entry` names a call of a cached function, which is known by its name"),
            "call the function itself: `entry = path::to::function(id)`",
        );
    }
}

fn something_is_invalidated(args: &Invalidate, written: &Function, errors: &mut Errors) {
    if !args.has_patterns {
        errors.at(
            &written.signature.ident,
            "`#[invalidate_cache]` has no pattern, no `entry` and no tag, so it would invalidate nothing",
            "say what this function changes: `#[invalidate_cache(\"booking:*\")]`, or \
             `#[invalidate_cache(entry = self.get_profile(user_id))]`",
        );
    }
}
