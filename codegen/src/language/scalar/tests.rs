use super::super::tree::{Node, Value};
use super::*;
use crate::source::Location;

/// Reads a value as if it followed `key =` in a board file.
fn read<T: Read>(value: &str) -> Result<T, Vec<(Code, String)>> {
    let mut problems = Problems::default();
    let text = format!("key = {value}\n");
    let file = problems.add_file("boards/x.toml".to_owned(), text);
    let tree = super::super::parse::parse(file, &Kind::Text, &mut problems);
    let missing = Node {
        at: Location::default(),
        value: Value::Broken,
    };
    let node = tree.get("key").map_or(&missing, |entry| &entry.node);
    let given = Given {
        path: "key",
        key_at: Location::default(),
        node,
        root: crate::description::ROOT,
    };
    match T::read(&given, &mut problems) {
        Some(value) if problems.is_empty() => Ok(value),
        _ => {
            let told = problems.into_diagnostics();
            Err(told
                .iter()
                .map(|one| (one.code, one.primary.text.clone()))
                .collect())
        }
    }
}

fn code<T: Read + std::fmt::Debug>(value: &str) -> Code {
    let told = read::<T>(value).unwrap_err();
    assert_eq!(told.len(), 1, "{told:?}");
    told[0].0
}

#[test]
fn addresses_are_hexadecimal() {
    assert_eq!(read("0x0900_0000"), Ok(Address(0x0900_0000)));
    assert_eq!(read("0xffff_ffff_ffff_ffff"), Ok(Address(u64::MAX)));
    assert_eq!(read("0"), Ok(Address(0)));
    assert_eq!(code::<Address>("9000000"), Code::BadAddress);
    assert_eq!(code::<Address>("0b1000"), Code::BadAddress);
}

#[test]
fn an_address_has_at_most_64_bits_and_no_sign() {
    assert_eq!(code::<Address>("0x1_0000_0000_0000_0000"), Code::BadAddress);
    assert_eq!(
        code::<Address>(&format!("0x{}", "f".repeat(200))),
        Code::BadAddress
    );
    assert_eq!(code::<Address>("-4096"), Code::BadAddress);
}

#[test]
fn an_address_in_quotes_is_of_the_wrong_type() {
    assert_eq!(code::<Address>("\"0x0900_0000\""), Code::WrongType);
}

#[test]
fn a_size_has_a_unit_or_is_hexadecimal() {
    assert_eq!(read("\"64 KiB\""), Ok(Size(0x1_0000)));
    assert_eq!(read("0x200"), Ok(Size(0x200)));
    assert_eq!(code::<Size>("512"), Code::BadQuantity);
    assert_eq!(code::<Size>("\"512\""), Code::BadQuantity);
    assert_eq!(code::<Size>("-512"), Code::BadQuantity);
    assert_eq!(code::<Size>("1.5"), Code::WrongType);
    assert_eq!(code::<Size>("0x1_0000_0000_0000_0000"), Code::BadQuantity);
}

#[test]
fn a_unit_of_powers_of_ten_gets_a_suggestion() {
    for (given, meant) in [
        ("64 KB", "KiB"),
        ("64 kib", "KiB"),
        ("1 M", "MiB"),
        ("4 B", "bytes"),
    ] {
        let told = read::<Size>(&format!("\"{given}\"")).unwrap_err();
        assert!(
            told[0].1.contains(&format!("did you mean `{meant}`?")),
            "{told:?}"
        );
    }
}

#[test]
fn sizes_are_written_in_the_largest_unit() {
    assert_eq!(Size(65536).written(), "\"64 KiB\"");
    assert_eq!(Size(0x2eff_0000).written(), "0x2EFF_0000");
    assert_eq!(hexadecimal(0x40_1000_0000), "0x40_1000_0000");
}

#[test]
fn a_frequency_always_has_a_unit() {
    assert_eq!(read("\"62.5 MHz\""), Ok(Frequency(62_500_000)));
    assert_eq!(code::<Frequency>("24000000"), Code::BadQuantity);
    assert_eq!(code::<Frequency>("0x100"), Code::BadQuantity);
    assert_eq!(code::<Frequency>("\"0 Hz\""), Code::BadQuantity);
}

#[test]
fn an_interrupt_states_its_space() {
    let spi = Interrupt {
        space: Space::new("spi"),
        number: 1,
        trigger: None,
    };
    assert_eq!(read("{ spi = 1 }"), Ok(spi));
    assert_eq!(code::<Interrupt>("33"), Code::BadInterrupt);
    assert_eq!(code::<Interrupt>("{}"), Code::BadInterrupt);
    assert_eq!(
        code::<Interrupt>("{ spi = 1, ppi = 2 }"),
        Code::BadInterrupt
    );
    assert_eq!(code::<Interrupt>("{ spl = 1 }"), Code::UnknownKey);
    assert_eq!(code::<Interrupt>("{ spi = -1 }"), Code::BadNumber);
    assert_eq!(code::<Interrupt>("{ spi = \"1\" }"), Code::WrongType);
}

#[test]
fn an_interrupt_may_state_its_trigger() {
    let edge = Interrupt {
        space: Space::new("spi"),
        number: 1,
        trigger: Some(crate::board::Trigger::Edge),
    };
    assert_eq!(read("{ spi = 1, trigger = \"edge\" }"), Ok(edge));
    assert_eq!(
        code::<Interrupt>("{ spi = 1, trigger = \"egde\" }"),
        Code::UnknownChoice
    );
}

#[test]
fn text_is_one_line_and_not_empty() {
    assert_eq!(read("\" a b \""), Ok(Text("a b".to_owned())));
    for bad in [
        "\"\"",
        "\"  \"",
        "\"a\\nb\"",
        "\"a\\u001bb\"",
        "\"a\\u202eb\"",
        "\"\"\"\na\nb\"\"\"",
    ] {
        assert_eq!(code::<Text>(bad), Code::BadText);
    }
}

#[test]
fn names_are_kebab_case() {
    assert_eq!(read("\"virt-x9\""), Ok(Name("virt-x9".to_owned())));
    for bad in [
        "\"\"", "\"9x\"", "\"-x\"", "\"x-\"", "\"a--b\"", "\"A\"", "\"a_b\"", "\"../x\"",
    ] {
        assert_eq!(code::<Name>(bad), Code::BadText);
    }
}

#[test]
fn a_number_keeps_to_its_range() {
    assert_eq!(read("256"), Ok(Number::<1, 256>(256)));
    assert_eq!(code::<Number<1, 256>>("0"), Code::BadNumber);
    assert_eq!(code::<Number<1, 256>>("257"), Code::BadNumber);
    assert_eq!(
        code::<Number<1, 256>>("99999999999999999999999999999999999999999999"),
        Code::BadNumber
    );
}

#[test]
fn every_invalid_item_of_a_list_is_reported() {
    let told = read::<Vec<Located<Text>>>("[1, \"a\", \"\"]").unwrap_err();
    assert_eq!(told.len(), 2);
}
