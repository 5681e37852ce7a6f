//! The counts of a queue.

/// The counts of one virtqueue. They only increase, and wrap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QueueStatistics {
    /// Chains made available to the device.
    pub submitted: u64,
    /// Chains that the device returned and that were accepted.
    pub completed: u64,
    /// Notifications of new chains.
    pub kicks: u64,
    /// Publications of new chains without a notification, because the device did not want one.
    pub kicks_suppressed: u64,
    /// The largest number of chains that the device had at once.
    pub high_water: u16,
    /// Used entries with an invalid id: outside the queue, not lent, returned twice, or inside a
    /// chain.
    pub refused_ids: u32,
    /// Times the used index advanced by more chains than the device had.
    pub refused_indices: u32,
    /// Used entries that reported more bytes than the chain has; they count as full.
    pub refused_lengths: u32,
    /// Restarts after a device reset.
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
