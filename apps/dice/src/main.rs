//! Throws dice with the generator that crates get through getrandom: versions 0.2, 0.3 and 0.4.

#![cfg_attr(target_os = "none", no_std, no_main)]

use vmos::{Kernel, Result, Spawner, println, random};

// getrandom 0.3 and 0.4.
vmos::provide_getrandom!();

// getrandom 0.2, with its feature `custom`.
getrandom_02::register_custom_getrandom!(fill);

fn fill(bytes: &mut [u8]) -> Result<(), getrandom_02::Error> {
    random::fill(bytes).map_err(|_| getrandom_02::Error::UNSUPPORTED)
}

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
    throw("before the start");
    if let Err(error) = random::start(kernel, spawner).await {
        println!("no generator: {error}");
    }
    throw("after the start");
    Ok(())
}

/// Throws a die with each version.
fn throw(when: &str) {
    let mut bytes = [[0; 8]; 3];
    let [two, three, four] = &mut bytes;
    let results = [
        getrandom_02::getrandom(two).is_ok(),
        getrandom_03::fill(three).is_ok(),
        getrandom::fill(four).is_ok(),
    ];
    for ((version, is_ok), bytes) in ["0.2", "0.3", "0.4"].iter().zip(results).zip(bytes) {
        let number = u64::from_le_bytes(bytes);
        if is_ok {
            println!(
                "{when}, getrandom {version}: {} of {number:016x}",
                number % 6 + 1
            );
        } else {
            println!("{when}, getrandom {version}: refused");
        }
    }
}
