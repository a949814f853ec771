//! Collections that begin while one goes on, or end while none does.

use crate::trace::error::Warning;
use crate::trace::wire::event_spec::code;

/// The warning about a generation's collections out of turn; `None` without any. `events` are the numbers, codes and file
/// positions of its events about collections: the numbers give their order, and each begins what the next one ends.
pub(crate) fn out_of_turn(mut events: Vec<(u64, u8, u64)>) -> Option<Warning> {
    events.sort_unstable();
    let goes_on = |code: u8| code != code::GC_END;
    let contradicts = |pair: &&[(u64, u8, u64)]| {
        let (_, next, _) = pair[1];
        next == code::GC_ACTIVE || goes_on(pair[0].1) == goes_on(next)
    };
    let first = events.windows(2).find(contradicts).map(|pair| pair[1].2)?;
    let message = match events.windows(2).filter(contradicts).count() {
        1 => "1 event contradicts the scheduler's rules: collections do not begin and end in turn".to_owned(),
        n => format!("{n} events contradict the scheduler's rules: collections do not begin and end in turn"),
    };
    Some(Warning::lost("broken-rule", message, first, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use code::{GC_ACTIVE, GC_BEGIN, GC_END};

    #[test]
    fn collections_begin_and_end_in_turn() {
        let offset = |codes: &[u8]| {
            let mut events: Vec<_> = (0..).zip(codes).map(|(i, code)| (i, *code, 100 + i)).collect();
            events.reverse();
            out_of_turn(events).map(|warning| warning.offset.unwrap())
        };
        for sound in [&[][..], &[GC_END], &[GC_ACTIVE, GC_END, GC_BEGIN], &[GC_BEGIN, GC_END, GC_BEGIN, GC_END]] {
            assert_eq!(offset(sound), None, "{sound:?}");
        }
        assert_eq!(offset(&[GC_BEGIN, GC_BEGIN, GC_END]), Some(101));
        assert_eq!(offset(&[GC_BEGIN, GC_END, GC_END]), Some(102));
        assert_eq!(offset(&[GC_END, GC_ACTIVE, GC_END]), Some(101));
    }
}
