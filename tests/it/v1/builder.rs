//! Writes old traces, byte by byte.

/// A trace being written.
pub(crate) struct Builder {
    pub(crate) bytes: Vec<u8>,
    /// Whether each record has a sequence number before its time (Go 1.5).
    sequence: bool,
}

/// Codes of the events that the tests use (`src/internal/trace/parser.go` of Go 1.21).
pub(crate) mod ev {
    pub(crate) const BATCH: u8 = 1;
    pub(crate) const FREQUENCY: u8 = 2;
    pub(crate) const STACK: u8 = 3;
    pub(crate) const GOMAXPROCS: u8 = 4;
    pub(crate) const PROC_START: u8 = 5;
    pub(crate) const GO_CREATE: u8 = 13;
    pub(crate) const GO_START: u8 = 14;
    pub(crate) const GO_END: u8 = 15;
    pub(crate) const GO_SCHED: u8 = 17;
    pub(crate) const GO_BLOCK: u8 = 20;
    pub(crate) const GO_UNBLOCK: u8 = 21;
    pub(crate) const GO_BLOCK_RECV: u8 = 23;
    pub(crate) const GO_BLOCK_SYNC: u8 = 25;
    pub(crate) const GO_SYS_CALL: u8 = 28;
    pub(crate) const GO_SYS_EXIT: u8 = 29;
    pub(crate) const GO_SYS_BLOCK: u8 = 30;
    pub(crate) const GO_WAITING: u8 = 31;
    pub(crate) const FUTILE_WAKEUP: u8 = 36;
    pub(crate) const STRING: u8 = 37;
    pub(crate) const GO_START_LOCAL: u8 = 38;
    pub(crate) const GO_UNBLOCK_LOCAL: u8 = 39;
}

impl Builder {
    /// A trace of Go 1.`minor`.
    pub(crate) fn new(minor: u32) -> Self {
        let mut bytes = format!("go 1.{minor} trace").into_bytes();
        bytes.resize(16, 0);
        Self { bytes, sequence: minor < 7 }
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A record with all its values.
    pub(crate) fn record(&mut self, code: u8, values: &[u64]) -> &mut Self {
        let counted = values.len() - 1 - usize::from(self.sequence);
        if counted < 3 {
            self.bytes.push(code | (counted as u8) << 6);
            for &value in values {
                self.varint(value);
            }
            return self;
        }
        self.long(code, values)
    }

    /// A record that says how long its values are.
    fn long(&mut self, code: u8, values: &[u64]) -> &mut Self {
        let mut body = Self { bytes: Vec::new(), sequence: false };
        for &value in values {
            body.varint(value);
        }
        self.bytes.push(code | 3 << 6);
        self.varint(body.bytes.len() as u64);
        self.bytes.extend(body.bytes);
        self
    }

    /// What follows was written by `proc`, from `ticks` on.
    pub(crate) fn batch(&mut self, proc: u64, ticks: u64) -> &mut Self {
        self.record(ev::BATCH, &[proc, ticks])
    }

    /// An event `step` ticks after the one before.
    pub(crate) fn event(&mut self, code: u8, step: u64, args: &[u64]) -> &mut Self {
        let values: Vec<u64> = std::iter::once(step).chain(args.iter().copied()).collect();
        self.record(code, &values)
    }

    /// The usual beginning at tick 1000: goroutine 1 runs on proc 0; goroutine 2, announced, waits.
    pub(crate) fn start(&mut self) -> &mut Self {
        self.batch(0, 1000)
            .event(ev::GO_CREATE, 0, &[1, 1, 0])
            .event(ev::GO_CREATE, 1, &[2, 2, 0])
            .event(ev::GO_WAITING, 1, &[2])
            .event(ev::PROC_START, 1, &[7])
            .event(ev::GO_START, 1, &[1, 1])
            .event(ev::GOMAXPROCS, 1, &[4, 0])
    }

    /// A string of the dictionary.
    pub(crate) fn string(&mut self, id: u64, text: &[u8]) -> &mut Self {
        self.bytes.push(ev::STRING);
        self.varint(id);
        self.varint(text.len() as u64);
        self.bytes.extend_from_slice(text);
        self
    }

    /// A stack: pc, function, file and line of each frame, leaf first.
    pub(crate) fn stack(&mut self, id: u64, frames: &[[u64; 4]]) -> &mut Self {
        let head = [id, frames.len() as u64];
        let values: Vec<u64> = head.into_iter().chain(frames.iter().flatten().copied()).collect();
        self.long(ev::STACK, &values)
    }

    /// The usual end: a tick is a nanosecond; stacks 1 and 2 are `main.main` and `main.wait`.
    pub(crate) fn end(&mut self) -> Vec<u8> {
        self.record(ev::FREQUENCY, &[1_000_000_000])
            .batch(0, 9000)
            .string(1, b"main.main")
            .string(2, b"main.wait")
            .string(3, b"/src/main.go")
            .stack(1, &[[0x1000, 1, 3, 10]])
            .stack(2, &[[0x2000, 2, 3, 20]]);
        self.bytes.clone()
    }
}
