//! What would be lost without a word if this instance ended now.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Counts it.
#[derive(Debug, Clone, Default)]
pub struct Underway(Arc<AtomicUsize>);

/// Something is under way until this is dropped.
#[derive(Debug)]
pub struct Piece(Underway);

impl Underway {
    /// Something is under way from now on.
    pub fn begin(&self) -> Piece {
        self.0.fetch_add(1, Ordering::Relaxed);
        Piece(self.clone())
    }

    /// Whether nothing is.
    pub fn is_none(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
