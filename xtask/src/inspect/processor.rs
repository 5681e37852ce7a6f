//! Reads the processor's state from QEMU's monitor (`info registers`).

use vmos_codegen::board::ExceptionLevel;

/// The state of a processor.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The address of the next instruction.
    pub(super) counter: Option<u64>,
    /// The width of its registers in bits.
    pub(super) width: Option<u32>,
    /// The exception level or mode of an Arm processor.
    pub(super) level: Option<ExceptionLevel>,
}

/// Parses the monitor's output: `PC=` and `PSTATE=` of a 64-bit Arm processor, `R15=` and `PSR=` of a
/// 32-bit one, `pc` of a RISC-V hart, `RIP=` or `EIP=` of a PC.
pub(super) fn parse(printed: &str) -> State {
    let mut state = State::default();
    let mut words = printed.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let number = |digits: &str| {
            let bits = u32::try_from(digits.len() * 4).ok();
            (u64::from_str_radix(digits, 16).ok(), bits)
        };
        for (name, sure) in [
            ("PC=", true),
            ("R15=", true),
            ("RIP=", false),
            ("EIP=", false),
        ] {
            if let Some(digits) = word.strip_prefix(name)
                && state.counter.is_none()
            {
                let (counter, width) = number(digits);
                state.counter = counter;
                // A PC starts with 32 bits or fewer.
                state.width = width.filter(|_| sure);
            }
        }
        if word == "pc"
            && state.counter.is_none()
            && let Some(digits) = words.peek()
        {
            (state.counter, state.width) = number(digits);
        }
    }
    state.level = printed.lines().find_map(level);
    state
}

/// Parses `PSTATE=400003c5 -Z-- EL1h` or `PSR=400001d3 -Z-- A S svc32`.
fn level(line: &str) -> Option<ExceptionLevel> {
    let line = line.trim();
    let mut words = line.split_whitespace();
    let first = words.next()?;
    if first.starts_with("PSTATE=") {
        let level = words.find_map(|word| word.strip_prefix("EL"))?;
        return match level.as_bytes().first()? {
            b'1' => Some(ExceptionLevel::El1),
            b'2' => Some(ExceptionLevel::El2),
            b'3' => Some(ExceptionLevel::El3),
            _ => None,
        };
    }
    first.strip_prefix("PSR=")?;
    let words: Vec<&str> = words.collect();
    match *words.last()? {
        "hyp32" => Some(ExceptionLevel::Hyp),
        "svc32" if words.contains(&"S") => Some(ExceptionLevel::SecureSvc),
        "svc32" => Some(ExceptionLevel::Svc),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_each_processor_is_read() {
        let wide = " PC=0000000040080000 X00=0000000044000000 X01=0\n\
                    PSTATE=400003c5 -Z-- NS EL2h  FPU disabled\n";
        let narrow = "R12=00000000 R13=00000000 R14=00000000 R15=40010000\n\
                      PSR=400001d3 -Z-- A S svc32\n";
        let hart = " V      =   0\n pc       80200000\n mhartid  00000000\n";
        let state = |counter, width, level| State {
            counter: Some(counter),
            width,
            level,
        };
        let el2 = Some(ExceptionLevel::El2);
        assert_eq!(parse(wide), state(0x4008_0000, Some(64), el2));
        let secure = Some(ExceptionLevel::SecureSvc);
        assert_eq!(parse(narrow), state(0x4001_0000, Some(32), secure));
        assert_eq!(parse(hart), state(0x8020_0000, Some(32), None));
        let pc = parse("EAX=00000000\nEIP=0000fff0 EFL=00000002 [-------] CPL=0\n");
        assert_eq!(pc, state(0xFFF0, None, None));
    }

    #[test]
    fn other_modes_are_unknown() {
        assert_eq!(level("PSR=600001df -ZC- A NS sys32"), None);
        assert_eq!(
            level("PSR=600001da -ZC- A hyp32"),
            Some(ExceptionLevel::Hyp)
        );
        assert_eq!(
            level("PSR=600001d3 -ZC- A NS svc32"),
            Some(ExceptionLevel::Svc)
        );
        assert_eq!(parse("unknown command"), State::default());
    }
}
