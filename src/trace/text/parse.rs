//! Text → bytes.

use super::tokens::{Lines, Parsed, Token, Value, varint};
use super::{BYTES, FOREIGN, FRAME_ARGS, LEN, Varint};
use crate::trace::wire::encode::{NO_THREAD, NameTable, TraceWriter, put_padded_uvarint, put_uvarint};
use crate::trace::wire::event_spec::{EVENTS, code};

/// A mistake in the text of a trace.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct TextError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// The bytes of a trace given as text. Fails at the first mistake.
pub fn from_text(text: &str) -> std::result::Result<Vec<u8>, TextError> {
    let mut lines = Lines::new(text);
    let parsed = parse(&mut lines);
    parsed.map_err(|message| TextError { line: lines.number, message })
}

/// The value of an omitted argument.
const ZERO: Varint = unpadded(0);

/// A varint without padding.
const fn unpadded(value: u64) -> Varint {
    Varint { value, width: 1 }
}

impl Varint {
    fn put(self, out: &mut Vec<u8>) {
        put_padded_uvarint(out, self.value, self.width);
    }
}

/// A batch, not written yet.
struct Batch {
    generation: Varint,
    thread: Varint,
    time: Varint,
    /// As in the text; none where it is to be computed.
    size: Option<Varint>,
    data: Vec<u8>,
    /// Time of its last event.
    ticks: u64,
}

struct Parser {
    out: TraceWriter,
    batch: Option<Batch>,
    /// The strings and stacks that are written where they are used.
    names: NameTable,
    /// The generation of the last batch.
    generation: u64,
    /// The time of the last batch.
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
        let zero = |n: Option<Varint>| n.unwrap_or(ZERO);
        let (generation, thread, time) = (zero(generation), zero(thread), zero(time));
        self.batch = Some(Batch { generation, thread, time, size, data: Vec::new(), ticks: time.value });
        Ok(())
    }

    fn begin(&mut self, generation: Option<Varint>, time: Option<Varint>) {
        let generation = generation.map_or(0, |n| n.value);
        self.end_batch();
        if generation != self.generation {
            self.end_generation();
        }
        (self.generation, self.time) = (generation, time.map_or(0, |n| n.value));
    }

    fn experimental_batch(&mut self, args: &[Token<'_>], lines: &mut Lines<'_>) -> Parsed<()> {
        let [exp, generation, thread, time, len] =
            self.numbers("ExperimentalBatch", args, ["exp", "gen", "m", "time", LEN])?;
        self.begin(generation, time);
        let line = lines.continuation("an experimental batch")?;
        let bytes = data(&line)?;
        let mut head = vec![code::EXPERIMENTAL_BATCH, exp.map_or(0, |n| n.value) as u8];
        let len = len.unwrap_or(unpadded(bytes.len() as u64));
        for number in [generation, thread, time, Some(len)] {
            number.unwrap_or(ZERO).put(&mut head);
        }
        self.out.raw(&head);
        self.out.raw(bytes);
        Ok(())
    }

    fn end_batch(&mut self) {
        let Some(batch) = self.batch.take() else { return };
        let mut head = vec![code::EVENT_BATCH];
        let size = batch.size.unwrap_or(unpadded(batch.data.len() as u64));
        for number in [batch.generation, batch.thread, batch.time, size] {
            number.put(&mut head);
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
            let dt = match args.iter().find(|a| a.name == "at") {
                Some(at) => {
                    let at = self.number(at)?.value;
                    let dt = at.checked_sub(ticks);
                    unpadded(dt.ok_or(format!("time {at} is before the event before it, at {ticks}"))?)
                }
                None => args.iter().find(|a| a.name == "dt").map_or(Ok(ZERO), |a| self.number(a))?,
            };
            self.open_batch()?.ticks = ticks.wrapping_add(dt.value);
            dt.put(&mut encoded);
        }
        let mut last = 0;
        for wanted in spec.args {
            let number = args.iter().find(|a| a.name == *wanted).map_or(Ok(ZERO), |a| self.number(a))?;
            number.put(&mut encoded);
            last = number.value;
        }
        if code == code::STACK {
            for _ in 0..last {
                let line = lines.continuation("a stack")?;
                for number in self.numbers("a frame", &line, FRAME_ARGS)? {
                    number.unwrap_or(ZERO).put(&mut encoded);
                }
            }
        } else if code == code::STRING {
            let line = lines.continuation("a string")?;
            let bytes = data(&line)?;
            match args.iter().find(|a| a.name == LEN) {
                Some(len) => self.number(len)?.put(&mut encoded),
                None => put_uvarint(&mut encoded, bytes.len() as u64),
            }
            encoded.extend_from_slice(bytes);
        }
        self.open_batch()?.data.extend(encoded);
        Ok(())
    }

    /// The values of the arguments with these names; none for those that are omitted. `of` is the event, for the message.
    fn numbers<const N: usize>(
        &mut self,
        of: &str,
        args: &[Token<'_>],
        names: [&str; N],
    ) -> Parsed<[Option<Varint>; N]> {
        let mut values = [None; N];
        for arg in args {
            let at = names.iter().position(|n| *n == arg.name);
            values[at.ok_or_else(|| format!("{of} has no argument {}", arg.name))?] = Some(self.number(arg)?);
        }
        Ok(values)
    }

    /// The value of an argument: a number, a state by its name, or the id of a string or stack that is written here.
    fn number(&mut self, arg: &Token<'_>) -> Parsed<Varint> {
        let name = arg.name;
        match &arg.value {
            Some(Value::Plain(text)) => match state(name, text) {
                Some(value) => Ok(unpadded(value)),
                None => varint(text),
            },
            Some(Value::Quoted(bytes)) if name.ends_with("_string") => Ok(unpadded(self.names.string(bytes))),
            Some(Value::Quoted(bytes)) if name.ends_with("stack") => {
                let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
                let frames: Vec<&str> = text.split('<').map(str::trim).filter(|f| !f.is_empty()).collect();
                Ok(unpadded(self.names.stack(&frames)))
            }
            _ => Err(format!("{name} needs a number")),
        }
    }
}

/// The bytes of a line `data="…"`.
fn data<'a>(args: &'a [Token<'_>]) -> Parsed<&'a [u8]> {
    match args {
        [Token { name: "data", value: Some(Value::Quoted(bytes)) }] => Ok(bytes),
        _ => Err("expected data=\"…\"".into()),
    }
}

/// The number of a state of a goroutine or proc, by the argument and the state's name; none if there is no such name
/// (`tracev2.GoStatus` and `ProcStatus`, Go 1.27).
fn state(arg: &str, name: &str) -> Option<u64> {
    let names: &[&str] = match arg {
        "gstatus" => &["Runnable", "Running", "Syscall", "Waiting"],
        "pstatus" => &["Running", "Idle", "Syscall", "SyscallAbandoned"],
        "m" | "p" | "g" if name == "none" => return Some(NO_THREAD),
        _ => return None,
    };
    names.iter().position(|n| *n == name).map(|at| at as u64 + 1)
}
