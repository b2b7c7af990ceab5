//! The allocator of programs that compute on large columns.
//!
//! A run writes gigabytes of columns once. With pages of 4 KiB every 512th number costs a fault of the system. So large blocks are mapped
//! here, along pages of 2 MiB, and those are asked for. Where the system does not give such pages, they are mapped all the same.
//! Smaller blocks are left to the system's allocator.
#![allow(unsafe_code, reason = "an allocator cannot be written without")]

#[cfg(target_os = "linux")]
mod mapped;

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, with huge pages for large blocks.
#[derive(Debug, Default)]
pub struct HugePages;

#[cfg(target_os = "linux")]
// SAFETY: by its layout alone a block is either mapped or of the system's allocator, and what it came from it is given back to.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match mapped::length(layout) {
            Some(length) => mapped::zeros(length),
            // SAFETY: the caller keeps the contract of `alloc`.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match mapped::length(layout) {
            // What is mapped anew is zero.
            Some(length) => mapped::zeros(length),
            // SAFETY: the caller keeps the contract of `alloc_zeroed`.
            None => unsafe { System.alloc_zeroed(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match mapped::length(layout) {
            // SAFETY: the layout is the block's, so it was mapped with this length.
            Some(length) => unsafe { mapped::give_back(block, length) },
            // SAFETY: the layout is the block's, so it is of `System`.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller answers for the new size not overflowing with the alignment.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (mapped::length(layout), mapped::length(new)) {
            // SAFETY: the block was mapped with the length of its layout.
            (Some(old), Some(new)) => unsafe { mapped::remap(block, old, new) },
            // SAFETY: the block is of `System`, and stays there.
            (None, None) => unsafe { System.realloc(block, layout, size) },
            _ => {
                // SAFETY: the caller keeps the contract of `realloc`: the size is not 0.
                let moved = unsafe { self.alloc(new) };
                if !moved.is_null() {
                    // SAFETY: two blocks, both at least as long as the shorter; the old one is not used any more.
                    unsafe {
                        block.copy_to_nonoverlapping(moved, size.min(layout.size()));
                        self.dealloc(block, layout);
                    }
                }
                moved
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
// SAFETY: everything is the system allocator's.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is of `System`.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the block is of `System`, and the caller keeps the contract of `realloc`.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static MEMORY: HugePages = HugePages;

    #[test]
    fn blocks_of_all_sizes_hold_what_is_written() {
        for size in [1, 4096, 1 << 20, (3 << 19) - 1, 3 << 19, 2 << 20, (2 << 20) + 1, (20 << 20) + 77] {
            let mut block = vec![0_u8; size];
            assert!(block.iter().all(|byte| *byte == 0));
            block.fill(7);
            // Grows step by step, so that it moves or not as it happens, and beside others.
            for step in 1..=3 {
                let beside = vec![5_u8; size];
                block.resize(size * (step + 1), 9);
                assert!(beside.iter().all(|byte| *byte == 5));
            }
            assert!(
                block[..size].iter().all(|byte| *byte == 7) && block[size..].iter().all(|byte| *byte == 9)
            );
            block.truncate(size / 2);
            block.shrink_to_fit();
            assert!(block.iter().all(|byte| *byte == 7));
        }
    }

    #[test]
    fn a_block_nobody_can_have_is_refused() {
        let mut block: Vec<u8> = Vec::new();
        assert!(block.try_reserve_exact(isize::MAX as usize - (4 << 20)).is_err());
        let mut large = vec![1_u8; 8 << 20];
        assert!(large.try_reserve_exact(isize::MAX as usize - (16 << 20)).is_err());
        assert!(large.iter().all(|byte| *byte == 1));
    }
}
