//! bus_faults
