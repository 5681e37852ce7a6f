//! The example apps, each tested with a common client.

mod balloon;
mod browser;
mod defmt_log;
mod dice;
mod fat;
mod http;
mod kv;
mod mdns;
mod mqtt;
mod named_devices;
mod ntp;
mod own_stack;
mod serial;
mod shell;
mod small;
mod tls;
mod two_networks;
mod vsock;

use super::Case;

pub(super) const CASES: [&[Case]; 18] = [
    &balloon::CASES,
    &browser::CASES,
    &defmt_log::CASES,
    &dice::CASES,
    &fat::CASES,
    &http::CASES,
    &kv::CASES,
    &mdns::CASES,
    &mqtt::CASES,
    &named_devices::CASES,
    &ntp::CASES,
    &own_stack::CASES,
    &serial::CASES,
    &shell::CASES,
    &small::CASES,
    &tls::CASES,
    &two_networks::CASES,
    &vsock::CASES,
];
