//! What is known of the types of values, and of the values that were kept before the audit.

use super::finding::{Finding, FindingKind};
use super::program::Reader;
use crate::function::Instance;
use crate::round_trip::{Difference, RoundTrip};
use crate::schema::{Gap, Schema};

/// The instances whose first value came back another one from its encoding.
pub(super) fn unequal(reader: &Reader) -> Vec<Finding> {
    let instances = reader.function.instances();
    let differing = instances.filter_map(|instance| match instance.round_trip()? {
        RoundTrip::Differs(difference) => Some(told(reader, instance.path(), difference)),
        _ => None,
    });
    differing.collect()
}

/// The types of values that hide a part of their shape, unless a version stands for them.
pub(super) fn hidden_shape(reader: &Reader) -> Option<Finding> {
    let function = reader.function;
    if function.version_number().is_some() {
        return None;
    }
    let named = function.value_type().and_then(|value| value.schema);
    let named = named.map(|schema| schema());
    let called = function.instances().filter_map(Instance::schema);
    let gaps = named.into_iter().chain(called).flat_map(Schema::gaps);
    let mut gaps: Vec<String> = gaps.map(Gap::to_string).collect();
    gaps.sort_unstable();
    gaps.dedup();
    (!gaps.is_empty()).then(|| {
        Finding::new(
            FindingKind::HiddenShape,
            &reader.place,
            gaps.join("; "),
            "give the function `version = 1`, and count it up whenever such a type changes",
        )
    })
}

fn told(reader: &Reader, path: &str, Difference { field, what }: &Difference) -> Finding {
    let field = field.as_ref();
    let at = field.map_or_else(String::new, |field| format!(" at `{field}`"));
    Finding::new(
        FindingKind::UnequalValue,
        &reader.place,
        format!("the first value of `{path}` does not come back equal{at}: {what}"),
        "change how the type is serialized, or keep its values in the process with `tier = \"memory\"`",
    )
}
