//! The counts of the whole kernel: of every fault, and of ordinary work.
//!
//! Each part keeps its own counts; they are collected on request.

use alloc::vec::Vec;
use core::fmt;

use vmos_drivers::counts::Counts;
use vmos_drivers::virtio::DeviceKind;

use crate::devices::DeviceStatistics;
use crate::event_loop::LoopCounts;
use crate::memory::Usage;
use crate::net;
#[cfg(feature = "tasks")]
use crate::tasks::TaskStatistics;
use crate::time::TimerCounts;

/// The counts of all parts of the kernel since boot, from
/// [`Kernel::statistics`](crate::Kernel::statistics).
///
/// `Display` prints one line for each count: `disk0.queue0.refused_ids 0`.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let statistics = kernel.statistics().await;
/// vmos::println!("{} bytes of the heap are in use", statistics.heap.bytes);
/// // All counts that are not 0, by name.
/// statistics.each(&mut |part, name, count| {
///     if count > 0 {
///         vmos::println!("{part}.{name} {count}");
///     }
/// });
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statistics {
    /// The counts of the event loop.
    pub event_loop: LoopCounts,
    /// The counts of timers.
    pub timers: TimerCounts,
    /// The counts of each function whose tasks have started.
    #[cfg(feature = "tasks")]
    pub tasks: Vec<TaskStatistics>,
    /// The counts of the heap.
    pub heap: Usage,
    /// The counts of the network stack; `None` without a network device.
    pub net: Option<net::Statistics>,
    /// The counts of TCP; `None` without a network device.
    pub tcp: Option<net::TcpStatistics>,
    /// The counts of IPv6; `None` without a network device.
    #[cfg(feature = "ipv6")]
    pub ipv6: Option<net::Ipv6Statistics>,
    /// The counts of each network, once an app has asked for the networks; the first of them is also
    /// in the fields above.
    #[cfg(feature = "networks")]
    pub networks: Vec<net::NetworkStatistics>,
    /// The counts of the devices.
    pub devices: Vec<DeviceStatistics>,
}

/// The part of the kernel that a count belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The counts of the event loop.
    Loop,
    /// The counts of timers.
    Timers,
    /// The counts of the tasks of a function.
    #[cfg(feature = "tasks")]
    Tasks {
        /// The path of the function.
        name: &'static str,
    },
    /// The counts of the heap.
    Heap,
    /// The counts of the network stack.
    Net,
    /// The counts of TCP.
    Tcp,
    /// The counts of IPv6.
    #[cfg(feature = "ipv6")]
    Ipv6,
    /// The counts of a network.
    #[cfg(feature = "networks")]
    Network {
        /// The network's name.
        name: &'static str,
        /// What the counts are of: `net`, `tcp` or `ipv6`.
        of: &'static str,
    },
    /// The counts of a device, or of one of its queues.
    Device {
        /// The device's kind.
        kind: DeviceKind,
        /// The device's number among those of its kind, from 0.
        number: usize,
        /// The queue's number; `None` for counts of the device itself.
        queue: Option<usize>,
    },
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loop => f.write_str("loop"),
            Self::Timers => f.write_str("timers"),
            #[cfg(feature = "tasks")]
            Self::Tasks { name } => write!(f, "task.{name}"),
            Self::Heap => f.write_str("heap"),
            Self::Net => f.write_str("net"),
            Self::Tcp => f.write_str("tcp"),
            #[cfg(feature = "ipv6")]
            Self::Ipv6 => f.write_str("ipv6"),
            #[cfg(feature = "networks")]
            Self::Network { name, of } => write!(f, "{of}.{name}"),
            Self::Device {
                kind,
                number,
                queue,
            } => {
                let name = match *kind {
                    DeviceKind::BLK => "disk",
                    DeviceKind::NET => "nic",
                    #[cfg(feature = "virtio-console")]
                    DeviceKind::CONSOLE => "serial",
                    #[cfg(feature = "virtio-vsock")]
                    DeviceKind::VSOCK => "vsock",
                    #[cfg(feature = "virtio-balloon")]
                    DeviceKind::BALLOON => "balloon",
                    _ => "rng",
                };
                write!(f, "{name}{number}")?;
                queue.map_or(Ok(()), |queue| write!(f, ".queue{queue}"))
            }
        }
    }
}

impl Statistics {
    /// Calls `count` with the part of the kernel, the name and the value of each count, always in
    /// the same order.
    pub fn each(&self, count: &mut dyn FnMut(Part, &'static str, u64)) {
        let mut of = |part, counts: &dyn Counts| {
            counts.each(&mut |name, value| count(part, name, value));
        };
        of(Part::Loop, &self.event_loop);
        of(Part::Timers, &self.timers);
        #[cfg(feature = "tasks")]
        for task in &self.tasks {
            of(Part::Tasks { name: task.name }, &task.counts);
        }
        of(Part::Heap, &self.heap);
        if let Some(net) = &self.net {
            of(Part::Net, net);
        }
        if let Some(tcp) = &self.tcp {
            of(Part::Tcp, tcp);
        }
        #[cfg(feature = "ipv6")]
        if let Some(ipv6) = &self.ipv6 {
            of(Part::Ipv6, ipv6);
        }
        #[cfg(feature = "networks")]
        for network in &self.networks {
            let part = |of| Part::Network {
                name: network.name,
                of,
            };
            of(part("net"), &network.net);
            of(part("tcp"), &network.tcp);
            #[cfg(feature = "ipv6")]
            of(part("ipv6"), &network.ipv6);
        }
        for (index, device) in self.devices.iter().enumerate() {
            let kind = device.kind;
            let before = self.devices.iter().take(index);
            let number = before.filter(|other| other.kind == kind).count();
            device.each(&mut |queue, name, value| {
                let part = Part::Device {
                    kind,
                    number,
                    queue,
                };
                count(part, name, value);
            });
        }
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = Ok(());
        self.each(&mut |part, name, value| {
            if result.is_ok() {
                result = writeln!(f, "{part}.{name} {value}");
            }
        });
        result
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString as _;
    use std::vec;

    use vmos_drivers::virtio::statistics::QueueStatistics;

    use super::*;
    use crate::devices::{Place, WatchStatistics};

    fn disk(refused_ids: u32) -> DeviceStatistics {
        device(DeviceKind::BLK, refused_ids)
    }

    fn device(kind: DeviceKind, refused_ids: u32) -> DeviceStatistics {
        let queue = QueueStatistics {
            refused_ids,
            ..QueueStatistics::default()
        };
        DeviceStatistics {
            kind,
            place: Place::MmioSlot {
                slot: 1,
                version: 2,
            },
            watch: WatchStatistics::default(),
            queues: vec![queue],
            requests: None,
            frames: None,
            ethernet: None,
            #[cfg(feature = "virtio-balloon")]
            pages: None,
        }
    }

    #[test]
    fn every_count_is_a_line_with_its_part() {
        let statistics = Statistics {
            event_loop: LoopCounts::default(),
            timers: TimerCounts { latest: 7, late: 0 },
            #[cfg(feature = "tasks")]
            tasks: vec![TaskStatistics {
                name: "app::main",
                counts: crate::tasks::TaskCounts {
                    polls: 6,
                    ..crate::tasks::TaskCounts::default()
                },
            }],
            heap: Usage::default(),
            net: None,
            tcp: None,
            #[cfg(feature = "ipv6")]
            ipv6: Some(net::Ipv6Statistics {
                fragments: 5,
                ..net::Ipv6Statistics::default()
            }),
            #[cfg(feature = "networks")]
            networks: vec![net::NetworkStatistics {
                name: "lan",
                net: net::Statistics {
                    frames_sent: 9,
                    ..net::Statistics::default()
                },
                tcp: net::TcpStatistics::default(),
                #[cfg(feature = "ipv6")]
                ipv6: net::Ipv6Statistics::default(),
            }],
            devices: vec![
                disk(0),
                disk(3),
                device(DeviceKind::RNG, 4),
                #[cfg(feature = "virtio-balloon")]
                device(DeviceKind::BALLOON, 5),
            ],
        };
        let text = statistics.to_string();
        for line in [
            "loop.turns 0",
            "timers.latest 7",
            "heap.failures 0",
            #[cfg(feature = "tasks")]
            "task.app::main.polls 6",
            "disk0.queue0.refused_ids 0",
            "disk1.queue0.refused_ids 3",
            "rng0.queue0.refused_ids 4",
            #[cfg(feature = "virtio-balloon")]
            "balloon0.queue0.refused_ids 5",
            #[cfg(feature = "ipv6")]
            "ipv6.fragments 5",
            #[cfg(feature = "networks")]
            "net.lan.frames_sent 9",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
