use super::*;

fn read(what: &str) -> Query {
    let boards = [String::from("some-board")];
    Query::read(what, &boards, Path::new("/work")).unwrap()
}

fn refused(what: &str) -> String {
    let boards = [String::from("some-board")];
    let failure = Query::read(what, &boards, Path::new("/work")).unwrap_err();
    assert_eq!(failure.status(), 2);
    failure.to_string()
}

#[test]
fn an_address_is_read_in_any_notation() {
    for what in [
        "0x0900_0000",
        "0X9000000",
        "0x0900'0000",
        "9000000h",
        "0b1001000000000000000000000000",
        "144 MiB",
        "0900000A",
    ] {
        let expected = if what == "0900000A" {
            0x0900_000A
        } else {
            0x0900_0000
        };
        assert_eq!(read(what), Query::Address(expected), "{what}");
    }
}

#[test]
fn a_port_is_named_as_one() {
    for what in ["port 0x3f8", "port 0x3F8", "PORT:0x3f8", "port 1016"] {
        assert_eq!(read(what), Query::Port(0x3F8), "{what}");
    }
    assert!(refused("port 0x1_0000").contains("0xFFFF"));
}

#[test]
fn a_line_of_a_source_is_found_from_any_folder() {
    let expected = Query::Source {
        path: String::from("drivers/src/a.rs"),
        line: 7,
    };
    for what in [
        "drivers/src/a.rs:7",
        "/checkout/drivers/src/a.rs:7:3",
        "../drivers/src/a.rs:7",
    ] {
        assert_eq!(read(what), expected, "{what}");
    }
}

#[test]
fn a_plain_number_may_be_an_interrupt_or_an_address() {
    assert_eq!(read("33"), Query::Number(33));
}

#[test]
fn an_interrupt_is_read_as_board_files_and_people_write_it() {
    let spi = Query::Interrupt(Interrupt::Space {
        space: "spi",
        number: 1,
        controller: None,
    });
    for what in [
        "spi 1",
        "spi1",
        "SPI 1",
        "spi:1",
        "{ spi = 1 }",
        "spi 1, level",
        "{ spi = 1, trigger = \"edge\" }",
    ] {
        assert_eq!(read(what), spi, "{what}");
    }
    let of_another = Query::Interrupt(Interrupt::Space {
        space: "plic",
        number: 1,
        controller: Some(String::from("socket1")),
    });
    for what in [
        "plic 1 of socket1",
        "plic 1 of socket1, level",
        "{ plic = 1, controller = \"socket1\" }",
    ] {
        assert_eq!(read(what), of_another, "{what}");
    }
    let number = Query::Interrupt(Interrupt::Controller(33));
    for what in ["interrupt 33", "source 33", "INTERRUPT33", "intid 0x21"] {
        assert_eq!(read(what), number, "{what}");
    }
    // A space on some boards, and a word for the controller's own number on the others.
    let Query::Interrupt(either) = read("IRQ33") else {
        panic!("not an interrupt");
    };
    assert!(matches!(either, Interrupt::Space { space: "irq", .. }));
    assert_eq!(either.own_number(), Some(33));
}

#[test]
fn a_key_is_named_after_its_board() {
    assert_eq!(
        read("some-board:timer.x"),
        Query::Key {
            board: String::from("some-board"),
            path: String::from("timer.x")
        }
    );
}

#[test]
fn a_line_of_a_file_is_found_from_any_folder() {
    let expected = Query::Generated {
        path: String::from("some-board/linker.ld"),
        line: 12,
    };
    for what in [
        "generated/some-board/linker.ld:12",
        "./generated/some-board/linker.ld:12:5",
        "/elsewhere/generated/some-board/linker.ld:12",
        "../generated/some-board/linker.ld:12",
    ] {
        assert_eq!(read(what), expected, "{what}");
    }
    assert_eq!(
        read("boards/some-board.toml:3"),
        Query::Description {
            path: String::from("boards/some-board.toml"),
            line: 3
        }
    );
}

#[test]
fn a_file_without_a_line_is_an_error() {
    assert!(refused("generated/some-board/linker.ld").contains("linker.ld:12"));
    assert!(refused("generated/some-board/linker.ld:0").contains("from 1"));
}

#[test]
fn an_unknown_board_gets_a_suggestion() {
    assert!(refused("some-baord:timer").contains("did you mean `some-board`?"));
}

#[test]
fn an_unknown_argument_is_an_error() {
    assert!(refused("0xZZ").contains("`0xZZ`"));
    assert!(refused("several words").contains("`several words`"));
    assert!(refused("").contains("--help"));
}

#[test]
fn anything_else_is_a_key_or_a_symbol() {
    assert_eq!(
        read("__stack_top"),
        Query::Word(String::from("__stack_top"))
    );
    assert_eq!(
        read("memory.stack"),
        Query::Word(String::from("memory.stack"))
    );
}
