//! What is known of the values that were kept before the audit.

use super::finding::{Finding, FindingKind};
use super::program::Reader;
use crate::round_trip::{Difference, RoundTrip};

/// The instances whose first value came back another one from its encoding.
pub(super) fn unequal(reader: &Reader) -> Vec<Finding> {
    let instances = reader.function.instances();
    let differing = instances.filter_map(|instance| match instance.round_trip()? {
        RoundTrip::Differs(difference) => Some(told(reader, instance.path(), difference)),
        _ => None,
    });
    differing.collect()
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
