#!/usr/bin/env bash
# smoltcp 0.14.0, edge-dhcp 0.7.0 and dhcproto 0.14.0 do not read DHCP options from the fields `file` and
# `sname` of a message.
#
# A server that has more options than fit may continue them in these two fields, and says so by the option
# "overload" (RFC 2131, section 4.1; RFC 2132, section 9.3). The three libraries accept such a message
# without an error, and the options in `file` are missing from what they return. A client then has, for
# example, an address without a router.
#
# Way out: append the content of the fields that option 52 names to the options before parsing.
#
# Seen with Rust 1.95 on Linux, for an ACK with the router 192.0.2.1 in `file`:
#   smoltcp 0.14.0: server Some(192.0.2.2), router None
#   edge-dhcp 0.7.0: ServerIdentifier(192.0.2.2): true, Router: false
#   dhcproto 0.14.0: server true, router false
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat >Cargo.toml <<'END'
[package]
name = "overload"
version = "0.1.0"
edition = "2021"

[dependencies]
smoltcp = { version = "=0.14.0", default-features = false, features = ["std", "medium-ethernet", "proto-ipv4", "socket-dhcpv4"] }
edge-dhcp = { version = "=0.7.0", default-features = false }
dhcproto = "=0.14.0"
END
cat >src/main.rs <<'END'
use dhcproto::v4::{Message, OptionCode};
use dhcproto::{Decodable, Decoder};
use edge_dhcp::{DhcpOption, Packet};
use smoltcp::wire::{DhcpPacket, DhcpRepr};

/// An ACK (RFC 2131, section 2): the server and the mask are in `options`, the router is in `file`.
fn message() -> Vec<u8> {
    let mut message = vec![0; 236];
    message[..3].copy_from_slice(&[2, 1, 6]);
    message[16..20].copy_from_slice(&[192, 0, 2, 10]);
    message[28..34].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    message[108..115].copy_from_slice(&[3, 4, 192, 0, 2, 1, 255]);
    message.extend([99, 130, 83, 99]);
    message.extend([53, 1, 5]);
    message.extend([54, 4, 192, 0, 2, 2]);
    message.extend([51, 4, 0, 0, 14, 16]);
    message.extend([1, 4, 255, 255, 255, 0]);
    message.extend([52, 1, 1]);
    message.push(255);
    message
}

fn main() {
    let message = message();

    let packet = DhcpPacket::new_checked(&message[..]).expect("a packet");
    let content = DhcpRepr::parse(&packet).expect("valid options");
    println!("smoltcp 0.14.0: server {:?}, router {:?}", content.server_identifier, content.router);

    let packet = Packet::decode(&message).expect("a packet");
    let has = |is_it: fn(&DhcpOption) -> bool| packet.options.iter().any(|option| is_it(&option));
    let server = has(|option| matches!(option, DhcpOption::ServerIdentifier(_)));
    let router = has(|option| matches!(option, DhcpOption::Router(_)));
    println!("edge-dhcp 0.7.0: ServerIdentifier(192.0.2.2): {server}, Router: {router}");

    let packet = Message::decode(&mut Decoder::new(&message)).expect("a packet");
    let server = packet.opts().contains(OptionCode::ServerIdentifier);
    let router = packet.opts().contains(OptionCode::Router);
    println!("dhcproto 0.14.0: server {server}, router {router}");
}
END
cargo run --quiet >found
cat found
diff found - <<'END'
smoltcp 0.14.0: server Some(192.0.2.2), router None
edge-dhcp 0.7.0: ServerIdentifier(192.0.2.2): true, Router: false
dhcproto 0.14.0: server true, router false
END
