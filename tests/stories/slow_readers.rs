//! slow_readers
