//! How often did one CPU interrupt another?
//!
//! Threads share an address space, so what one of them changes in it the CPUs of the others must be
//! told: by an interrupt. `/proc/interrupts` counts them by kind, for the whole system.

use std::fs;

/// Interrupts that CPUs sent to each other, in the whole system: the kernel does not say on whose
/// behalf. `None` where this machine has no such count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interrupts {
    /// Requests to forget translations of addresses (x86). On x86 each comes by a function call, so
    /// it is counted there, too.
    pub tlb_shootdowns: Option<u64>,
    /// Requests to run a function.
    pub function_calls: Option<u64>,
    /// Requests to look for something else to run.
    pub reschedules: Option<u64>,
}

/// Interrupts between CPUs since the system started. `None` without `/proc/interrupts`, or when it
/// counts none of them (one CPU, some sandboxes).
#[must_use]
pub fn read() -> Option<Interrupts> {
    parse(&fs::read_to_string("/proc/interrupts").ok()?)
}

/// Interrupts since an earlier reading. The kernel counts in 32 bits, so a sum may fall when one CPU
/// begins anew, or is taken offline: that counts as not moved.
#[must_use]
pub fn since(now: Interrupts, earlier: Interrupts) -> Interrupts {
    let moved = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then?));
    Interrupts {
        tlb_shootdowns: moved(now.tlb_shootdowns, earlier.tlb_shootdowns),
        function_calls: moved(now.function_calls, earlier.function_calls),
        reschedules: moved(now.reschedules, earlier.reschedules),
    }
}

/// Two spans of time together.
#[must_use]
pub fn sum(a: Interrupts, b: Interrupts) -> Interrupts {
    let both = |a: Option<u64>, b: Option<u64>| Some(a? + b?);
    Interrupts {
        tlb_shootdowns: both(a.tlb_shootdowns, b.tlb_shootdowns),
        function_calls: both(a.function_calls, b.function_calls),
        reschedules: both(a.reschedules, b.reschedules),
    }
}

/// The rows are found by what they say, not by their labels: x86 calls one `CAL`, arm64 `IPI1`.
fn parse(text: &str) -> Option<Interrupts> {
    let row = |says: &str| text.lines().find_map(|line| sum_of(line, says));
    let found = Interrupts {
        tlb_shootdowns: row("TLB shootdowns"),
        function_calls: row("Function call interrupts"),
        reschedules: row("Rescheduling interrupts"),
    };
    (found != Interrupts::default()).then_some(found)
}

/// The sum over all CPUs of a row that `says` so: `CAL:  1  2  Function call interrupts`.
fn sum_of(line: &str, says: &str) -> Option<u64> {
    let (_, counts) = line.trim_end().strip_suffix(says)?.split_once(':')?;
    counts
        .split_whitespace()
        .map(|n| n.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const X86: &str = "           CPU0       CPU1       \n \
        24:          1          0  IO-APIC   5-edge      ACPI:Ged\n\
        LOC:     119164     122706   Local timer interrupts\n\
        RES:      15618      14795   Rescheduling interrupts\n\
        CAL:      79675      75944   Function call interrupts\n\
        TLB:      51491      49198   TLB shootdowns\n\
        ERR:          0\n";

    const ARM64: &str = "           CPU0       CPU1       CPU2       CPU3       \n \
        11:     905331     731620     608229     573160     GICv3  27 Level     arch_timer\n\
        IPI0:     31105      35222      33409      33321       Rescheduling interrupts\n\
        IPI1:      2001       2002       2003       2004       Function call interrupts\n\
        IPI2:         0          0          0          0       CPU stop interrupts\n\
        Err:          0\n";

    #[test]
    fn x86_counts_all_three_kinds() {
        let expected = Interrupts {
            tlb_shootdowns: Some(51491 + 49198),
            function_calls: Some(79675 + 75944),
            reschedules: Some(15618 + 14795),
        };
        assert_eq!(parse(X86), Some(expected));
    }

    #[test]
    fn arm64_has_no_shootdowns_to_count() {
        let expected = Interrupts {
            tlb_shootdowns: None,
            function_calls: Some(8010),
            reschedules: Some(133_057),
        };
        assert_eq!(parse(ARM64), Some(expected));
    }

    #[test]
    fn a_system_that_counts_none_of_them_is_unknown_and_not_zero() {
        assert_eq!(parse("           CPU0\n  0:  45  timer\n"), None);
    }

    #[test]
    fn a_kind_that_is_counted_once_only_is_unknown() {
        let now = parse(X86).unwrap();
        let earlier = Interrupts {
            tlb_shootdowns: Some(100_000),
            function_calls: Some(u64::MAX),
            reschedules: None,
        };
        let expected = Interrupts {
            tlb_shootdowns: Some(689),
            function_calls: Some(0),
            reschedules: None,
        };
        assert_eq!(since(now, earlier), expected);
    }
}
