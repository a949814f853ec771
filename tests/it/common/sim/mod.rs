//! A simulated Go scheduler: makes up a valid schedule, writes its trace, and knows what happened.

mod acts;

use gotrace_slice::trace::testing::{NO_THREAD, NameTable, TimedEvent, TraceWriter, code};

/// What to make up.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    pub steps: u32,
    pub threads: usize,
    pub generations: u32,
    pub version: &'static str,
}

/// Something that a selection by stack can see of a goroutine.
#[derive(Clone, Debug)]
pub enum Mark {
    /// It runs again.
    Resume,
    /// Its own stack was recorded, innermost function first.
    Stack(Vec<String>),
    /// The same where it was stopped: a caller can be missing.
    Stop(Vec<String>),
    /// It ended.
    End,
}

/// A goroutine as the simulator knows it.
#[derive(Clone, Debug, Default)]
pub struct Life {
    pub created: Option<u64>,
    pub parent: Option<usize>,
    pub entry: String,
    pub creation: Vec<String>,
    /// State, from, to.
    pub intervals: Vec<(String, u64, u64)>,
    pub marks: Vec<(u64, Mark)>,
    id: u64,
    state: String,
    since: u64,
    seq: u64,
    announced: bool,
    handler: Option<u64>,
    stack: Vec<String>,
    /// For the two sides of a coroutine: the other one.
    partner: Option<usize>,
    coroutine: bool,
}

/// A schedule that happened.
pub struct Sim {
    pub bytes: Vec<u8>,
    pub lives: Vec<Life>,
    pub start: u64,
    pub end: u64,
    pub events: u64,
}

#[derive(Clone, Default)]
struct Thread {
    proc: Option<usize>,
    g: Option<usize>,
    events: Vec<TimedEvent>,
}

#[derive(Clone, Default)]
struct Proc {
    seq: u64,
    announced: bool,
    holder: Option<usize>,
}

struct World {
    plan: Plan,
    random: u64,
    now: u64,
    generation: u64,
    border: u64,
    writer: TraceWriter,
    names: NameTable,
    threads: Vec<Thread>,
    procs: Vec<Proc>,
    gs: Vec<Life>,
    events: u64,
}

const RUNNING: &str = "running";
const SYSCALL: &str = "syscall";
const REASONS: [&str; 5] = ["chan receive", "select", "sync", "network", ""];
const NOBODY: u64 = u64::MAX;

/// Makes a schedule up.
pub fn simulate(plan: Plan) -> Sim {
    let mut world = World {
        plan,
        random: plan.seed | 1,
        now: 1000,
        generation: 1,
        border: 1000,
        writer: TraceWriter::new(plan.version).expect("a version"),
        names: NameTable::default(),
        threads: vec![Thread::default(); plan.threads],
        procs: vec![Proc::default(); plan.threads],
        gs: Vec::new(),
        events: 0,
    };
    for t in 0..plan.threads {
        world.threads[t].proc = Some(t);
        world.procs[t].holder = Some(t);
        let g = world.born(None, format!("main.old{t}"), Vec::new());
        world.gs[g].state = RUNNING.into();
        world.threads[t].g = Some(g);
        let sleeper = world.born(None, format!("main.old{t}"), Vec::new());
        world.gs[sleeper].state = "unknown".into();
    }
    world.begin_generation();
    for generation in 0..plan.generations {
        if generation > 0 {
            world.end_generation();
            world.generation += 1;
            world.begin_generation();
        }
        for _ in 0..plan.steps {
            let t = world.below(plan.threads as u64) as usize;
            world.act(t);
        }
    }
    // Nobody is born with the trace's last event: a root without time is no root.
    match world.gs.iter().find(|g| g.state != "gone").map(|g| g.id) {
        Some(id) => world.emit(0, code::GC_MARK_ASSIST_ACTIVE, &[id]),
        None => world.emit(0, code::PROC_STATUS, &[plan.threads as u64, 2]),
    }
    world.end_generation();
    let end = world.now;
    for g in &mut world.gs {
        if g.state != "gone" {
            g.intervals.push((g.state.clone(), g.since, end));
        }
    }
    Sim { bytes: world.writer.finish(), lives: world.gs, start: 1000, end, events: world.events }
}

impl World {
    fn below(&mut self, n: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % n
    }

    fn born(&mut self, parent: Option<usize>, entry: String, creation: Vec<String>) -> usize {
        let id = self.gs.last().map_or(1, |g| g.id) + 1 + self.below(20);
        self.gs.push(Life { parent, entry, creation, id, since: self.now, ..Life::default() });
        self.gs.len() - 1
    }

    fn emit(&mut self, t: usize, code: u8, args: &[u64]) {
        self.now += 10 + self.below(90);
        self.events += 1;
        self.threads[t].events.push(TimedEvent::new(self.now, code, args));
    }

    fn enter(&mut self, g: usize, state: &str, at: u64) {
        let g = &mut self.gs[g];
        g.intervals.push((std::mem::replace(&mut g.state, state.into()), g.since, at));
        g.since = at;
    }

    fn mark(&mut self, g: usize, at: u64, mark: Mark) {
        self.gs[g].marks.push((at, mark));
    }

    /// The goroutine's stack now, as an id; its handler comes and goes.
    fn stack(&mut self, g: usize) -> u64 {
        if self.below(3) == 0 {
            self.gs[g].handler = if self.below(2) == 0 { Some(self.below(3)) } else { None };
        }
        let mut stack = vec![format!("main.op{}", self.below(4))];
        stack.extend(self.gs[g].handler.map(|h| format!("main.handler{h}")));
        stack.push(self.gs[g].entry.clone());
        let id = self.names.stack(&stack.iter().map(String::as_str).collect::<Vec<_>>());
        self.gs[g].stack = stack;
        id
    }

    /// Emits an event with the goroutine's own stack as its last argument.
    fn emit_stacked(&mut self, t: usize, g: usize, code: u8, args: &[u64]) {
        let stack = self.stack(g);
        self.emit(t, code, &[args, &[stack]].concat());
        let stack = self.gs[g].stack.clone();
        self.mark(g, self.now, if code == code::GO_STOP { Mark::Stop(stack) } else { Mark::Stack(stack) });
    }

    fn status(&self, g: usize) -> u64 {
        match self.gs[g].state.as_str() {
            "runnable" => 1,
            RUNNING => 2,
            SYSCALL => 3,
            _ => 4,
        }
    }

    /// Announces a goroutine that does not run, before its first event in a generation.
    fn announce(&mut self, t: usize, g: usize) {
        if std::mem::replace(&mut self.gs[g].announced, true) {
            return;
        }
        let (id, status) = (self.gs[g].id, self.status(g));
        let stack = self.gs[g].stack.clone();
        if status == 4 && self.plan.version != "1.22" && !stack.is_empty() && self.below(2) == 0 {
            let stack = self.names.stack(&stack.iter().map(String::as_str).collect::<Vec<_>>());
            self.emit(t, code::GO_STATUS_STACK, &[id, NOBODY, status, stack]);
        } else {
            self.emit(t, code::GO_STATUS, &[id, NOBODY, status]);
        }
    }

    fn begin_generation(&mut self) {
        if self.generation > 1 {
            self.now += 5;
        }
        self.border = self.now;
        for t in 0..self.threads.len() {
            let Thread { proc, g, .. } = self.threads[t];
            let in_syscall = g.is_some_and(|g| self.gs[g].state == SYSCALL);
            if let Some(p) = proc {
                self.emit(t, code::PROC_STATUS, &[p as u64, if in_syscall { 3 } else { 1 }]);
                self.procs[p].announced = true;
            }
            if let Some(g) = g {
                self.gs[g].announced = true;
                self.emit(t, code::GO_STATUS, &[self.gs[g].id, 100 + t as u64, self.status(g)]);
            }
        }
    }

    fn end_generation(&mut self) {
        for g in 0..self.gs.len() {
            if self.gs[g].state != "gone" {
                let t = self.below(self.plan.threads as u64) as usize;
                self.announce(t, g);
            }
        }
        self.writer.sync(self.generation, self.border, 1_000_000_000, (1_700_000_000, 0));
        let mut queues: Vec<(u64, Vec<TimedEvent>)> = Vec::new();
        for t in 0..self.threads.len() {
            queues.push((100 + t as u64, std::mem::take(&mut self.threads[t].events)));
        }
        while !queues.is_empty() {
            let at = self.below(queues.len() as u64) as usize;
            let n = (1 + self.below(50) as usize).min(queues[at].1.len());
            let rest = queues[at].1.split_off(n);
            let (thread, events) = (queues[at].0, std::mem::replace(&mut queues[at].1, rest));
            self.writer.events(self.generation, thread, &events);
            if queues[at].1.is_empty() {
                queues.swap_remove(at);
            }
        }
        // Every generation of the runtime's has a table of strings.
        if self.names.is_empty() {
            self.writer.batch(self.generation, NO_THREAD, self.now, &[code::STRINGS]);
        }
        self.writer.names(self.generation, self.now, &std::mem::take(&mut self.names));
        self.writer.end_of_generation();
        self.gs.iter_mut().for_each(|g| (g.announced, g.seq) = (false, 0));
        self.procs.iter_mut().for_each(|p| (p.announced, p.seq) = (false, 0));
    }

    fn next_seq(&mut self, g: usize) -> u64 {
        self.gs[g].seq += 1;
        self.gs[g].seq
    }

    fn next_proc_seq(&mut self, p: usize) -> u64 {
        self.procs[p].seq += 1;
        self.procs[p].seq
    }

    fn any(&mut self, wanted: impl Fn(&Life) -> bool) -> Option<usize> {
        let found: Vec<usize> = (0..self.gs.len()).filter(|&g| wanted(&self.gs[g])).collect();
        (!found.is_empty()).then(|| found[self.below(found.len() as u64) as usize])
    }

    fn act(&mut self, t: usize) {
        let Thread { proc, g, .. } = self.threads[t];
        match (proc, g) {
            (_, Some(g)) if self.gs[g].state == SYSCALL => self.in_syscall(t, g),
            (Some(_), Some(g)) => self.run(t, g),
            (Some(p), None) => self.schedule(t, p),
            (None, _) => self.take_proc(t),
        }
    }
}
