//! Calls whose way crosses rules, from nodes that are built of protocols on disk.
#![cfg(feature = "cli")]

#[path = "rewriting/chains.rs"]
mod chains;
#[path = "rewriting/code.rs"]
mod code;
#[path = "support/folder.rs"]
mod folder;
#[path = "rewriting/network.rs"]
mod network;
#[path = "rewriting/shop.rs"]
mod shop;
#[path = "rewriting/two.rs"]
mod two;
