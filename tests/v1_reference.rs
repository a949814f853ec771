//! Old traces agree with Go's own reader.
//!
//! `GOTRACE_SLICE_DUMP=FILE` prints what the tests compare, for one file.

mod v1;

#[test]
fn dump() {
    let Some(file) = std::env::var_os("GOTRACE_SLICE_DUMP") else { return };
    let trace = v1::open(&std::fs::read(file).unwrap()).unwrap();
    let what = std::env::var("GOTRACE_SLICE_DUMP_MODE").unwrap_or_default();
    let text = if what == "events" { v1::events(&trace) } else { v1::states(&trace) };
    std::fs::write(std::env::var_os("GOTRACE_SLICE_DUMP_TO").unwrap(), text).unwrap();
    for warning in &trace.warnings {
        eprintln!("{warning:?}");
    }
}
