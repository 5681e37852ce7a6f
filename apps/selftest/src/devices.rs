//! Lists the devices: the disks in their order with their serial numbers, and the network
//! interfaces.

use alloc::string::ToString as _;

use vmos::{Kernel, Result, println};

/// Lists the disks and network interfaces, and finds those that the command line names.
pub(crate) async fn check(kernel: Kernel) -> Result<()> {
    let mut index = 0;
    while let Ok(disk) = kernel.disk(index) {
        println!("disk {index}: serial {}", disk.serial().await?);
        index += 1;
    }
    if let Ok(net) = kernel.net() {
        let address = net.hardware_address();
        let is_found = kernel.net_by_address(address).is_some();
        println!("network: {address}; a device with this address is found: {is_found}");
    }
    if let Some(serial) = kernel.command_line().value("serial") {
        let sectors = kernel
            .disk_by_serial(serial)
            .await
            .map(|disk| disk.sectors());
        let sectors = sectors.map_or("no disk".to_string(), |sectors| sectors.to_string());
        println!("serial {serial}: {sectors}");
    }
    println!("devices: done");
    Ok(())
}
