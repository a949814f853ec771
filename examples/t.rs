use gotrace_slice::{pipeline::*, slice::*, source::Source};
use std::os::unix::fs::FileExt;
struct F(std::fs::File, u64);
impl Source for F {
    fn size(&self) -> u64 {
        self.1
    }
    fn read_at(&self, b: &mut [u8], o: u64) -> std::io::Result<usize> {
        self.0.read_at(b, o)
    }
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let f = std::fs::File::open(&a[1]).unwrap();
    let n = f.metadata().unwrap().len();
    let f = F(f, n);
    let by = a.get(3).map(|s| s.as_str()).unwrap_or("all");
    let rb = RootBy { creation: by != "stack", entry: by != "stack", stack: by != "ce" };
    let sel = Selector {
        roots: Patterns::new("--root", &[a[2].clone()], PatternSyntax::default()).unwrap(),
        root_by: rb,
        exclude: None,
        whole_life: a.get(5).is_some(),
        time: None,
        goids: vec![],
    };
    let o = Options { stacks: Stacks::Joined, threads: a.get(4).map(|s| s.parse().unwrap()).unwrap_or(0) };
    let t = std::time::Instant::now();
    match profile(&[Input { name: "x".into(), source: &f }], &sel, o, &|_| {}) {
        Ok(Answer::Profile(p)) => {
            println!("{:?} {:?}", p.total, t.elapsed());
        }
        Ok(Answer::NoMatch(c)) => println!("no match {:?} {:?}", c.traces, c.rows.len()),
        Err(e) => println!("error {e}"),
    }
}
