//! The `straddle` program.

fn main() {}
