//! The example apps, each tested with a common client.

mod http;
mod kv;
mod mqtt;
mod ntp;
mod shell;

use super::Case;

pub(super) const CASES: [&[Case]; 5] = [
    &http::CASES,
    &kv::CASES,
    &mqtt::CASES,
    &ntp::CASES,
    &shell::CASES,
];
