//! Runtime.

mod error;
mod key;
mod pattern;
mod segment;

pub use error::Error;
pub use pattern::Pattern;

/// All that an expansion may name. Not public API: it changes without notice.
#[doc(hidden)]
pub mod private {
    pub use crate::key::{
        ArgsHash, Identity, KeyArgument, KeyWriter, function_path, leaf_bucket,
    };
    pub use crate::pattern::nodes;
    pub use crate::segment::{Segment, SegmentWriter, escape, render, render_widened};
}
