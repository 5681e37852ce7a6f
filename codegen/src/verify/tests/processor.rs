//! The state in which a machine enters the kernel.

use super::*;
use crate::board::ExceptionLevel;

#[test]
fn another_exception_level_is_told_at_the_key() {
    let mut facts = machine();
    facts.exception_level = Some(ExceptionLevel::El2);
    let told = verify_toy(TOY, &facts).expect_err("another level");
    let one = told.iter().next().expect("one");
    assert_eq!(one.title, "the machine enters the kernel in EL2", "{told}");
    assert_eq!((one.code, told.len()), (Code::MachineProperty, 1), "{told}");
    facts.exception_level = Some(ExceptionLevel::El1);
    assert!(verify_toy(TOY, &facts).is_ok());
}

#[test]
fn a_stated_exception_level_is_told_with_the_right_one() {
    let boot = "[boot.linux-image]";
    assert_eq!(TOY.matches(boot).count(), 1);
    let text = TOY.replace(boot, "[boot.linux-image]\nexception-level = \"el2\"");
    let mut facts = machine();
    facts.exception_level = Some(ExceptionLevel::El1);
    let told = verify_toy(&text, &facts).expect_err("another level");
    let one = told
        .iter()
        .find(|one| one.code == Code::MachineProperty)
        .expect("one");
    let at = one.primary.at;
    assert_eq!(&text[at.start..at.end], "\"el2\"");
    assert!(told.to_string().contains("write \"el1\""), "{told}");
}

#[test]
fn a_processor_of_another_width_is_told_at_its_name() {
    let told = only_of_machine(|facts| {
        facts.width = Some(32);
        // A processor of another width has other levels, which are no mistake of their own.
        facts.exception_level = Some(ExceptionLevel::Svc);
    });
    assert_eq!(told.0, Code::MachineProperty);
    assert_eq!(told.1, "the machine's processor has 32 bits");
}

#[test]
fn a_processor_without_long_descriptors_needs_short_ones() {
    let of = |edits: &[(&str, &str)], processor: &str| {
        let arm = [
            ("architecture = \"aarch64\"", "architecture = \"arm\""),
            ("system = \"aarch64\"", "system = \"arm\""),
        ];
        let edits = arm.iter().chain(edits);
        let text = edits.fold(TOY.to_owned(), |text, (from, to)| {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text.replace(from, to)
        });
        let mut facts = machine();
        facts.processor = Some(processor.to_owned());
        let told = verify_toy(&text, &facts);
        told.err().map_or(String::new(), |told| told.to_string())
    };
    let title = "the machine's processor, cortex-a9, has no long descriptors";
    let told = of(&[], "cortex-a9");
    assert!(told.contains(title), "{told}");
    assert!(told.contains("page-tables = \"short\""), "{told}");
    let told = of(&[], "cortex-a15");
    assert!(!told.contains("long descriptors"), "{told}");
    let short = [("[memory]\n", "[memory]\npage-tables = \"short\"\n")];
    let told = of(&short, "cortex-a9");
    assert!(!told.contains("long descriptors"), "{told}");
}

#[test]
fn bars_that_no_firmware_assigned_are_told_at_the_key() {
    let text = TOY.replace("msi = \"its\"", "msi = \"its\"\nbars = \"firmware\"");
    let mut facts = machine();
    assert!(verify_toy(&text, &facts).is_ok());
    facts.bars_assigned = Some(true);
    assert!(verify_toy(&text, &facts).is_ok());
    facts.bars_assigned = Some(false);
    let told = verify_toy(&text, &facts).expect_err("no firmware");
    let one = told.iter().next().expect("one");
    let at = one.primary.at;
    assert_eq!(&text[at.start..at.end], "\"firmware\"");
}
