#!/usr/bin/env bash
# smoltcp 0.13.0 and 0.14.0 without their feature `alloc` do not compile if another crate of the same
# build enables the feature `alloc` of managed 0.8.0.
#
# smoltcp matches only the variant `Borrowed` of `ManagedSlice` and `ManagedMap` unless its own feature
# `alloc` is on. Cargo builds managed once, with the features that any crate asks for, so the enum then
# also has the variant `Owned`. This happens, for example, if one crate uses smoltcp 0.14 with `alloc` and
# another, such as embassy-net, uses smoltcp 0.13 without it: each compiles alone.
#
# Way out: enable `alloc` for each smoltcp of the build.
#
# Seen with Rust 1.95 on Linux:
#   smoltcp 0.13.0 alone: compiles
#   smoltcp 0.13.0 beside managed/alloc: error[E0004]: non-exhaustive patterns
#   smoltcp 0.14.0 alone: compiles
#   smoltcp 0.14.0 beside managed/alloc: error[E0004]: non-exhaustive patterns
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
echo '#![no_std]' >src/lib.rs

# Writes the manifest: a version of smoltcp, and a second dependency.
manifest() {
    cat >Cargo.toml <<END
[package]
name = "both"
version = "0.1.0"
edition = "2021"

[dependencies]
smoltcp = { version = "=$1", default-features = false, features = ["medium-ethernet", "proto-ipv4", "socket-udp"] }
$2
END
}

for version in 0.13.0 0.14.0; do
    manifest "$version" ''
    cargo check --quiet
    echo "smoltcp $version alone: compiles"

    manifest "$version" 'managed = { version = "=0.8.0", default-features = false, features = ["alloc", "map"] }'
    if cargo check --quiet 2>errors; then
        echo "smoltcp $version beside managed/alloc: compiles, so the behaviour changed"
        exit 1
    fi
    grep -q '^error\[E0004\]: non-exhaustive patterns.*ManagedSlice::Owned' errors
    echo "smoltcp $version beside managed/alloc: error[E0004]: non-exhaustive patterns"
done
