//! The object of each version that the program can run. There is none for 1.0.0: 1.1.0 is the oldest.

pub mod v1_1_0;
pub mod v2_0_0;
pub mod v3_0_0;
