//! All integration tests in one binary, which is linked once. The table in `docs/architecture.md` says what each file
//! is for. `cargo test --test it FILE::` runs those of one file.
//!
//! They run beside each other in one process: a test that measures that process, or sets something of it, starts one of
//! its own.

mod common;
mod go;
mod v1;

mod annotations;
mod anonymize;
mod answer;
mod architecture;
mod cases;
mod causes;
mod cli;
mod cli_traces;
mod collector;
mod compare;
mod compare_rules;
mod corpus;
mod corrupt;
mod cpu_time;
mod critical_path;
mod cut_requests;
mod cutoff;
mod differential;
mod endpoints;
mod faults;
mod findings;
mod fleet;
mod fleet_engines;
mod fleet_read;
mod fleet_snapshots;
mod fleet_trial;
mod fuzz;
mod ground_truth;
mod grpc_streams;
mod hostile_names;
mod keepalive;
mod kinds;
mod laws;
mod list_time;
mod loops;
mod manners;
mod matched;
mod memory;
mod memory_tables;
mod mutants;
mod older_calls;
mod outlived;
mod outputs;
mod page;
mod perfetto;
mod pprof_go;
mod problems;
mod readme;
mod record;
mod reference;
mod relays;
mod request_stacks;
mod requests;
mod said_of_causes;
mod salvage;
mod scale;
mod spans;
mod started;
mod statistics;
mod stretches;
mod suggestions;
mod text;
mod v1_binary;
mod v1_damage;
mod v1_meaning;
mod v1_reference;
mod viewers;
mod wakers;
