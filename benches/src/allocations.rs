//! An allocator that counts what a thread allocates.
//!
//! It is written here, rather than taken from a crate, because it is installed while times are taken: one addition to a
//! thread-local integer is within the noise, whereas the published counters pay for locks, atomics or byte totals and so would
//! slow down just those contenders that allocate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    // `const` and without a destructor: reaching it neither allocates nor registers anything.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting calls that hand out memory.
#[derive(Debug)]
pub struct Counting;

fn count_one() {
    COUNT.set(COUNT.get() + 1);
}

#[expect(unsafe_code, reason = "an allocator can't be written without it")]
// SAFETY: every call goes to `System` with unchanged arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_one();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How often the current thread has asked for memory while `work` ran. Always 0 unless [`Counting`] is the global allocator.
pub fn during(work: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

#[cfg(test)]
mod tests {
    use super::{Counting, during};

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    #[test]
    fn counts_each_allocation_of_the_thread() {
        assert_eq!(during(|| drop(std::hint::black_box(Box::new(1)))), 1);
        assert_eq!(
            during(|| drop(std::hint::black_box([String::from("a"), String::from("b")]))),
            2
        );
        assert_eq!(during(|| {}), 0);
    }
}
