//! Do malloc and a moving program break leave each other alone?
use crate::alone;
use forkscope::observe::program_break::{MOST_PAGES, ProgramBreak, TOP_PAD_BYTES, fenced};
use nix::libc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Threads that move the break, and threads that allocate.
const MOVERS: usize = 3;
const ALLOCATORS: usize = 4;

/// Blocks that an allocating thread holds, and how often it replaces one.
const BLOCKS: usize = 800;
const REPLACEMENTS: usize = 40_000;

#[test]
fn malloc_keeps_what_it_has_while_threads_move_the_break() {
    let name = "program_break::malloc_keeps_what_it_has_while_threads_move_the_break";
    // All threads on malloc's main heap, the one that stands on the break.
    alone(name, &[("MALLOC_ARENA_MAX", "1")], torture);
}

/// Where the break is by libc's account.
fn libc_break() -> usize {
    // SAFETY: an increment of 0 moves nothing.
    unsafe { libc::sbrk(0) as usize }
}

fn torture() {
    // malloc's main heap is in use before, and has something to give back.
    let before: Vec<Vec<u8>> = (0..200).map(|i| block(i, 0)).collect();
    let ours = fenced().unwrap();
    drop(before);
    let base = libc_break();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for i in 0..MOVERS {
            let is_over = &is_over;
            scope.spawn(move || move_until(is_over, ours, 1 + i * (MOST_PAGES - 1) / MOVERS));
        }
        let allocators: Vec<_> = (0..ALLOCATORS)
            .map(|i| scope.spawn(move || allocate(i)))
            .collect();
        let ended: Vec<_> = allocators.into_iter().map(|a| a.join()).collect();
        is_over.store(true, Relaxed);
        ended.into_iter().for_each(|e| e.unwrap());
    });
    ours.set(0).unwrap();
    // malloc needed far more than there was, and got it elsewhere: libc's account of the break is
    // where some failed request found it.
    let moved = libc_break() - base;
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)
        .unwrap()
        .unwrap() as usize;
    assert!(
        moved <= MOST_PAGES * page,
        "libc moved the break by {moved}"
    );
    // SAFETY: the request fails, which is what is tested.
    let refused = unsafe { libc::sbrk(TOP_PAD_BYTES as isize) };
    assert_eq!(refused as isize, -1, "malloc could raise the break");
}

fn move_until(is_over: &AtomicBool, ours: ProgramBreak, pages: usize) {
    while !is_over.load(Relaxed) {
        ours.set(pages).unwrap();
        ours.set(0).unwrap();
    }
}

/// A block below malloc's threshold for mappings of their own, full of what it must keep.
fn block(n: usize, seed: usize) -> Vec<u8> {
    let size = 16 + (n * 7919 + seed * 104_729) % 100_000;
    vec![(n + seed) as u8; size]
}

/// Holds blocks and replaces them, and looks whether each still holds what was written.
fn allocate(seed: usize) {
    let mut held: Vec<(usize, Vec<u8>)> = (0..BLOCKS).map(|n| (n, block(n, seed))).collect();
    for n in BLOCKS..REPLACEMENTS {
        let place = n * 6_700_417 % BLOCKS;
        let (old, bytes) = std::mem::replace(&mut held[place], (n, block(n, seed)));
        assert!(
            bytes.iter().all(|&b| b == (old + seed) as u8),
            "block {old}"
        );
    }
}
