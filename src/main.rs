//! The `gotrace-slice` command.

fn main() {}
