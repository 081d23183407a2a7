//! laptop
