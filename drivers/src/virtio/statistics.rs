//! What has happened on a queue, for reports and for tests.

/// Counters of one virtqueue. They only grow, and wrap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QueueStatistics {
    /// Chains given to the device.
    pub submitted: u64,
    /// Chains that the device gave back and that were accepted.
    pub completed: u64,
    /// Times the device was told of new chains.
    pub kicks: u64,
    /// Times new chains were published and the device did not want to be told.
    pub kicks_suppressed: u64,
    /// The most chains that were with the device at once.
    pub high_water: u16,
    /// Used entries whose id named no chain that the device had: outside the queue, not lent, given
    /// back twice, or inside a chain.
    pub refused_ids: u32,
    /// Times the used index ran ahead of what the device had been given.
    pub refused_indices: u32,
    /// Used entries that claimed more bytes than the chain can hold; taken for as many as it can.
    pub refused_lengths: u32,
    /// Times the queue was started over after a device reset.
    pub resets: u32,
}

crate::counted!(QueueStatistics {
    submitted,
    completed,
    kicks,
    kicks_suppressed,
    high_water,
    refused_ids,
    refused_indices,
    refused_lengths,
    resets,
});
