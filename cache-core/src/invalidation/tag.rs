//! A writer's tags.

use super::Invalidation;
use crate::segment::{SegmentWriter, render};

impl Invalidation {
    /// Adds the entries that carry a tag. A tag is one name, so a placeholder that can't be rendered
    /// leaves nothing narrower to invalidate than everything.
    pub fn tag(
        mut self,
        template: &'static str,
        fill: impl FnOnce(&mut SegmentWriter<'_>),
    ) -> Self {
        self.tags.push(template);
        match render(template, fill) {
            Ok(tag) => self.add_tag(tag),
            Err(error) => self.widen_to_everything(error),
        }
        self
    }

    fn add_tag(&mut self, tag: String) {
        let inner = self.cache.inner();
        let slot = inner.memory.invalidations.tag(&tag);
        self.target.slots.push(slot);
        if inner.shared.is_some() {
            self.target.tags.push(tag.into());
        }
    }
}
