//! Text → bytes.

use super::tokens::{Lines, Number, Parsed, Token, Value, number};
use super::{BYTES, FOREIGN, FRAME_ARGS, LEN};
use crate::trace::wire::encode::{NO_THREAD, NameTable, TraceWriter, put_padded_uvarint, put_uvarint};
use crate::trace::wire::event_spec::{EVENTS, code};

/// What a text says that no trace can.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct TextError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// The bytes of a trace given as text.
pub fn from_text(text: &str) -> std::result::Result<Vec<u8>, TextError> {
    let mut lines = Lines::new(text);
    let parsed = parse(&mut lines);
    parsed.map_err(|message| TextError { line: lines.number, message })
}

/// A batch that is not finished.
struct Batch {
    generation: Number,
    thread: Number,
    time: Number,
    size: Option<Number>,
    data: Vec<u8>,
    ticks: u64,
}

struct Parser {
    out: TraceWriter,
    batch: Option<Batch>,
    /// Names that stand where they are used, with their generation and its last batch's time.
    names: NameTable,
    generation: u64,
    time: u64,
}

fn parse(lines: &mut Lines<'_>) -> Parsed<Vec<u8>> {
    let first = lines.next().transpose()?.unwrap_or_default();
    let version = match &first[..] {
        [trace, version] if trace.name == "Trace" => version.name.strip_prefix("Go"),
        _ => None,
    };
    let out = version.and_then(TraceWriter::new).ok_or("expected `Trace Go1.22` or later")?;
    let mut parser = Parser { out, batch: None, names: NameTable::default(), generation: 0, time: 0 };
    while let Some(line) = lines.next() {
        let line = line?;
        parser.line(line[0].name, &line[1..], lines)?;
    }
    parser.end_generation();
    Ok(parser.out.finish())
}

impl Parser {
    fn line(&mut self, name: &str, args: &[Token<'_>], lines: &mut Lines<'_>) -> Parsed<()> {
        match name {
            "EventBatch" => self.event_batch(args),
            "ExperimentalBatch" => self.experimental_batch(args, lines),
            "EndOfGeneration" => {
                self.end_generation();
                self.out.raw(&[code::END_OF_GENERATION]);
                Ok(())
            }
            FOREIGN => {
                self.end_batch();
                self.out.raw(data(args)?);
                Ok(())
            }
            BYTES => {
                let bytes = data(args)?.to_vec();
                self.open_batch()?.data.extend(bytes);
                Ok(())
            }
            _ => self.event(name, args, lines),
        }
    }

    fn open_batch(&mut self) -> Parsed<&mut Batch> {
        self.batch.as_mut().ok_or_else(|| "an event stands outside any batch".to_owned())
    }

    fn event_batch(&mut self, args: &[Token<'_>]) -> Parsed<()> {
        let [generation, thread, time, size] = self.numbers("EventBatch", args, ["gen", "m", "time", "size"])?;
        self.begin(generation, time);
        let zero = |n: Option<Number>| n.unwrap_or((0, 1));
        let (generation, thread, time) = (zero(generation), zero(thread), zero(time));
        self.batch = Some(Batch { generation, thread, time, size, data: Vec::new(), ticks: time.0 });
        Ok(())
    }

    fn begin(&mut self, generation: Option<Number>, time: Option<Number>) {
        let generation = generation.map_or(0, |n| n.0);
        self.end_batch();
        if generation != self.generation {
            self.end_generation();
        }
        (self.generation, self.time) = (generation, time.map_or(0, |n| n.0));
    }

    fn experimental_batch(&mut self, args: &[Token<'_>], lines: &mut Lines<'_>) -> Parsed<()> {
        let [exp, generation, thread, time, len] =
            self.numbers("ExperimentalBatch", args, ["exp", "gen", "m", "time", LEN])?;
        self.begin(generation, time);
        let line = lines.continuation("an experimental batch")?;
        let bytes = data(&line)?;
        let mut head = vec![code::EXPERIMENTAL_BATCH, exp.map_or(0, |n| n.0) as u8];
        let len = len.unwrap_or((bytes.len() as u64, 1));
        for (value, width) in [generation, thread, time, Some(len)].into_iter().map(|n| n.unwrap_or((0, 1))) {
            put_padded_uvarint(&mut head, value, width);
        }
        self.out.raw(&head);
        self.out.raw(bytes);
        Ok(())
    }

    fn end_batch(&mut self) {
        let Some(batch) = self.batch.take() else { return };
        let mut head = vec![code::EVENT_BATCH];
        let size = batch.size.unwrap_or((batch.data.len() as u64, 1));
        for (value, width) in [batch.generation, batch.thread, batch.time, size] {
            put_padded_uvarint(&mut head, value, width);
        }
        self.out.raw(&head);
        self.out.raw(&batch.data);
    }

    fn end_generation(&mut self) {
        self.end_batch();
        if !self.names.is_empty() {
            self.out.names(self.generation, self.time, &std::mem::take(&mut self.names));
        }
    }

    fn event(&mut self, name: &str, args: &[Token<'_>], lines: &mut Lines<'_>) -> Parsed<()> {
        let code = (0..=u8::MAX).find(|&c| EVENTS[c as usize].name == name && name != "unknown");
        let code = code.ok_or_else(|| format!("there is no event {name}"))?;
        let spec = &EVENTS[code as usize];
        let known = |a: &Token<'_>| {
            spec.args.contains(&a.name) || spec.timed && ["dt", "at"].contains(&a.name) || a.name == LEN
        };
        if let Some(unknown) = args.iter().find(|a| !known(a)) {
            return Err(format!("{name} has no argument {}", unknown.name));
        }
        let mut encoded = vec![code];
        if spec.timed {
            let ticks = self.open_batch()?.ticks;
            let (dt, width) = match args.iter().find(|a| a.name == "at") {
                Some(at) => {
                    let at = self.number(at)?.0;
                    (at.checked_sub(ticks).ok_or(format!("time {at} is before the event before it, at {ticks}"))?, 1)
                }
                None => args.iter().find(|a| a.name == "dt").map_or(Ok((0, 1)), |a| self.number(a))?,
            };
            self.open_batch()?.ticks = ticks.wrapping_add(dt);
            put_padded_uvarint(&mut encoded, dt, width);
        }
        let mut last = 0;
        for wanted in spec.args {
            let (value, width) = args.iter().find(|a| a.name == *wanted).map_or(Ok((0, 1)), |a| self.number(a))?;
            put_padded_uvarint(&mut encoded, value, width);
            last = value;
        }
        if code == code::STACK {
            for _ in 0..last {
                let line = lines.continuation("a stack")?;
                for value in self.numbers("a frame", &line, FRAME_ARGS)? {
                    let (value, width) = value.unwrap_or((0, 1));
                    put_padded_uvarint(&mut encoded, value, width);
                }
            }
        } else if code == code::STRING {
            let line = lines.continuation("a string")?;
            let bytes = data(&line)?;
            match args.iter().find(|a| a.name == LEN) {
                Some(len) => {
                    let (value, width) = self.number(len)?;
                    put_padded_uvarint(&mut encoded, value, width);
                }
                None => put_uvarint(&mut encoded, bytes.len() as u64),
            }
            encoded.extend_from_slice(bytes);
        }
        self.open_batch()?.data.extend(encoded);
        Ok(())
    }

    /// The values of named arguments.
    fn numbers<const N: usize>(
        &mut self,
        of: &str,
        args: &[Token<'_>],
        names: [&str; N],
    ) -> Parsed<[Option<Number>; N]> {
        let mut values = [None; N];
        for arg in args {
            let at = names.iter().position(|n| *n == arg.name);
            values[at.ok_or_else(|| format!("{of} has no argument {}", arg.name))?] = Some(self.number(arg)?);
        }
        Ok(values)
    }

    /// The value of an argument: a number, the name of a state, or a string or stack that stands here.
    fn number(&mut self, arg: &Token<'_>) -> Parsed<Number> {
        let name = arg.name;
        match &arg.value {
            Some(Value::Plain(text)) => match state(name, text) {
                Some(value) => Ok((value, 1)),
                None => number(text),
            },
            Some(Value::Quoted(bytes)) if name.ends_with("_string") => Ok((self.names.string(bytes), 1)),
            Some(Value::Quoted(bytes)) if name.ends_with("stack") => {
                let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
                let frames: Vec<&str> = text.split('<').map(str::trim).filter(|f| !f.is_empty()).collect();
                Ok((self.names.stack(&frames), 1))
            }
            _ => Err(format!("{name} needs a number")),
        }
    }
}

fn data<'a>(args: &'a [Token<'_>]) -> Parsed<&'a [u8]> {
    match args {
        [Token { name: "data", value: Some(Value::Quoted(bytes)) }] => Ok(bytes),
        _ => Err("expected data=\"…\"".into()),
    }
}

/// The states of goroutines and procs by name (`tracev2.GoStatus` and `ProcStatus`, Go 1.27).
fn state(arg: &str, name: &str) -> Option<u64> {
    let names: &[&str] = match arg {
        "gstatus" => &["Runnable", "Running", "Syscall", "Waiting"],
        "pstatus" => &["Running", "Idle", "Syscall", "SyscallAbandoned"],
        "m" | "p" | "g" if name == "none" => return Some(NO_THREAD),
        _ => return None,
    };
    names.iter().position(|n| *n == name).map(|at| at as u64 + 1)
}
