//! Tests of the commands. They are one program, so that those that wait for a machine or a build run at the same
//! time as others.

mod accept;
mod accept_tables;
mod attestation;
mod audit;
mod broken;
mod child;
mod command_line;
mod completions;
mod debug;
mod diagnostics;
mod dialogue;
mod diff;
mod import;
mod imported;
mod output;
mod pages;
mod plugin;
mod project;
mod prose;
mod reached;
mod rebuild;
mod refused;
mod repository;
mod shared_build;
mod skeletons;
mod start;
mod verify;
mod why;
mod without_tree;
