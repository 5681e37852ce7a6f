//! The example apps, each tested with a common client.

mod fat;
mod http;
mod kv;
mod mqtt;
mod ntp;
mod own_stack;
mod shell;
mod small;
mod tls;

use super::Case;

pub(super) const CASES: [&[Case]; 9] = [
    &fat::CASES,
    &http::CASES,
    &kv::CASES,
    &mqtt::CASES,
    &ntp::CASES,
    &own_stack::CASES,
    &shell::CASES,
    &small::CASES,
    &tls::CASES,
];
