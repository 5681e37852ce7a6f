//! The frequency of the clock shared by all harts, which only the device tree contains.

use crate::device_tree::DeviceTree;

/// Returns the frequency in Hz from the device tree (`timebase-frequency`, Devicetree Specification
/// 0.4, 3.8).
pub(super) fn frequency(tree: DeviceTree<'_>) -> Option<u64> {
    const NAME: &str = "timebase-frequency";
    let value = tree.first(NAME, |_| true)?.value(NAME)?;
    value.wide(0, value.cells())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dtoolkit::model::{DeviceTree as Model, DeviceTreeNode, DeviceTreeProperty};

    fn told(cells: &[u32]) -> Option<u64> {
        let mut model = Model::new();
        let mut harts = DeviceTreeNode::new("cpus").expect("a sound name");
        let frequency = DeviceTreeProperty::new("timebase-frequency", cells);
        harts.add_property(frequency.expect("a sound name"));
        model.root.add_child(harts);
        let blob = model.to_dtb();
        frequency_in(&blob)
    }

    fn frequency_in(blob: &[u8]) -> Option<u64> {
        frequency(DeviceTree::of(blob).ok()?)
    }

    #[test]
    fn the_frequency_has_one_cell_or_two() {
        assert_eq!(told(&[10_000_000]), Some(10_000_000));
        assert_eq!(told(&[1, 0]), Some(1 << 32));
    }

    #[test]
    fn the_frequency_may_be_missing() {
        assert_eq!(frequency_in(&Model::new().to_dtb()), None);
        assert_eq!(told(&[]), None);
    }
}
