//! Blocks of their own mappings, aligned to huge pages.

use std::{
    alloc::Layout,
    ptr,
    sync::atomic::{AtomicUsize, Ordering},
};

/// A huge page.
const HUGE: usize = 2 << 20;
/// A page; on no system it is longer.
const PAGE: usize = 64 << 10;
/// What of a block's mapping is kept for where the block begins.
const SPARE: usize = 4096;
/// A line of the processor's cache.
const LINE: usize = 64;
/// How far each block begins behind the one before, within the spare beginning: passes read and write the same row of many columns, and
/// addresses that are the same in their last twelve bits are taken for one by the processor until it has looked closer.
const STEP: usize = 5 * LINE;
/// Shorter blocks are left to the system's allocator, and a rest as long as this becomes a huge page: less is lost by what stays empty
/// than by 192 faults.
const LEAST: usize = HUGE / 8 * 3;

/// How much is mapped for a block; nothing for one that is left to the system's allocator.
pub(crate) fn length(layout: Layout) -> Option<usize> {
    let size = layout.size();
    if size < LEAST || LINE < layout.align() {
        return None;
    }
    let size = size.checked_add(SPARE)?;
    let unit = if LEAST <= size % HUGE { HUGE } else { PAGE };
    size.checked_next_multiple_of(unit)
}

/// A block of zeros, of which [`SPARE`] less than the length can be used; null if there is no memory.
pub(crate) fn zeros(length: usize) -> *mut u8 {
    static STEPS: AtomicUsize = AtomicUsize::new(0);
    let mapped = map(length);
    let behind = STEPS.fetch_add(STEP, Ordering::Relaxed) % SPARE;
    // SAFETY: the beginning belongs to the mapping.
    if mapped.is_null() { mapped } else { unsafe { mapped.add(behind) } }
}

/// Where the mapping of a block begins.
fn mapping_of(block: *mut u8) -> *mut u8 {
    block.map_addr(|address| address / PAGE * PAGE)
}

/// So many zeros at a multiple of [`HUGE`]; null if there are none to be had.
fn map(length: usize) -> *mut u8 {
    let Some(wider) = length.checked_add(HUGE) else { return ptr::null_mut() };
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, wherever there is room.
    let mapped = unsafe { libc::mmap(ptr::null_mut(), wider, access, kind, -1, 0) };
    if mapped == libc::MAP_FAILED {
        return ptr::null_mut();
    }
    let mapped = mapped.cast::<u8>();
    let before = mapped.addr().next_multiple_of(HUGE) - mapped.addr();
    let after = wider - before - length;
    // SAFETY: what lies before and after the block belongs to the mapping just made, and nobody else knows it.
    // Advice that is not taken is no failure.
    unsafe {
        let block = mapped.add(before);
        unmap(mapped, before);
        unmap(block.add(length), after);
        let _ = libc::madvise(block.cast(), length, libc::MADV_HUGEPAGE);
        block
    }
}

/// Gives a block back.
///
/// # Safety
///
/// It was mapped here with this length, and nobody uses it any more.
pub(crate) unsafe fn give_back(block: *mut u8, length: usize) {
    // SAFETY: as the caller promises.
    unsafe { unmap(mapping_of(block), length) }
}

/// Gives memory back.
///
/// # Safety
///
/// It was mapped here, and nobody uses it any more.
unsafe fn unmap(start: *mut u8, length: usize) {
    if 0 < length {
        // SAFETY: as the caller promises. It does not fail for what is mapped, and there is nothing to be done if it did.
        let _ = unsafe { libc::munmap(start.cast(), length) };
    }
}

/// The block in another length; null, and the block as it was, if there is no memory. Pages move, and nothing is copied.
///
/// # Safety
///
/// The block was mapped here with `old`.
pub(crate) unsafe fn remap(block: *mut u8, old: usize, new: usize) -> *mut u8 {
    let mapped = mapping_of(block);
    // SAFETY: the block's own mapping, where it is.
    if old == new || unsafe { libc::mremap(mapped.cast(), old, new, 0) } != libc::MAP_FAILED {
        return block;
    }
    let room = map(new);
    if room.is_null() {
        return room;
    }
    let how = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: what is at `room` was just mapped for this, and is replaced.
    let moved = unsafe { libc::mremap(mapped.cast(), old, new, how, room) };
    if moved == libc::MAP_FAILED {
        // The room is not given back: it may be gone already, and what is there now somebody else's.
        return ptr::null_mut();
    }
    // SAFETY: as far behind the beginning as before.
    unsafe { moved.cast::<u8>().add(block.addr() - mapped.addr()) }
}
