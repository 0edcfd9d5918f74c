#![doc = include_str!("rules.md")]

mod convert;
