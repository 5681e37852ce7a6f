use super::fake::Fake;
use super::*;

fn apic(features: u32) -> (LocalApic<Fake, Fake>, Fake) {
    let fake = Fake::default();
    {
        let mut state = fake.0.borrow_mut();
        state.features = features;
        state.model_specific.insert(0x1b, 0xfee0_0900);
    }
    (LocalApic::new(fake.clone(), fake.clone()), fake)
}

#[test]
fn an_xapic_is_accessed_through_memory() {
    let (mut apic, fake) = apic(0);
    assert_eq!(fake.written(), [(0xf0, 0x17f)]);
    apic.write(register::TASK_PRIORITY, 0x10);
    assert_eq!(fake.written(), [(0x80, 0x10)]);
    fake.0.borrow_mut().memory.insert(0x20, 0x0300_0000);
    assert_eq!(apic.id(), 3);
}

#[test]
fn an_x2apic_is_enabled_and_accessed_by_model_specific_registers() {
    let (mut apic, fake) = apic(1 << 21);
    let expected = [(0x1b, 0xfee0_0d00), (0x80f, 0x17f)];
    assert_eq!(fake.written(), expected);
    apic.write(register::INITIAL_COUNT, 5);
    assert_eq!(fake.written(), [(0x838, 5)]);
    fake.0.borrow_mut().model_specific.insert(0x802, 0x1_0003);
    assert_eq!(apic.id(), 0x1_0003);
}
