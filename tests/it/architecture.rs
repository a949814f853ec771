//! The rules of `docs/architecture.md` that can be read off the sources.

mod circles;

use crate::common::{files, root};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Folders from the left to the right; one imports only from rows above its own, and from its own row. `profile` is what
/// comes out in the end, but its plain types stand to the left, so that `survey` and `measure` can fill them in.
const ROWS: &[&[&str]] = &[
    &["trace"],
    &["profile"],
    &["survey"],
    &["slice"],
    &["measure"],
    &["pipeline"],
    &["table"],
    &["compare"],
    &["render"],
];

/// What must not know of each other, whatever their rows say: a file below the first path names nothing of the second.
const STRANGERS: &[(&str, &str)] = &[
    ("slice", "profile"),
    ("compare", "survey"),
    ("compare", "slice"),
    ("compare", "measure"),
    ("compare", "pipeline"),
    ("render", "survey"),
    ("render", "slice"),
    ("render", "measure"),
    ("render", "pipeline"),
    // Only `survey::v2` and `survey::v1` know the wire's generation.
    ("survey::annotations", "trace::v1"),
    ("survey::annotations", "trace::v2"),
    ("survey::collect", "trace::v1"),
    ("survey::collect", "trace::v2"),
    ("survey::forest", "trace::v1"),
    ("survey::forest", "trace::v2"),
    ("survey::roots", "trace::v1"),
    ("survey::roots", "trace::v2"),
    ("survey::v1", "trace::v2"),
    ("survey::v2", "trace::v1"),
    // Nor does what collects for both of them know one of them.
    ("survey::annotations", "survey::v1"),
    ("survey::annotations", "survey::v2"),
    ("survey::collect", "survey::v1"),
    ("survey::collect", "survey::v2"),
    ("survey::forest", "survey::v1"),
    ("survey::forest", "survey::v2"),
    ("survey::roots", "survey::v1"),
    ("survey::roots", "survey::v2"),
    // What follows events knows no version.
    ("slice", "trace::v1"),
    ("slice", "trace::v2"),
    ("measure", "trace::v1"),
    ("measure", "trace::v2"),
    ("profile", "trace::event"),
    ("profile", "trace::v1"),
    ("profile", "trace::v2"),
    ("render", "trace::event"),
    ("render", "trace::symbols"),
    ("render", "trace::v1"),
    ("render", "trace::v2"),
];

struct SourceFile {
    /// Path below `src`, with `/`.
    path: String,
    /// Lines of code, without comments.
    code: Vec<(usize, String)>,
    text: String,
}

impl SourceFile {
    fn read(path: &Path, src: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a readable source");
        let name = path.strip_prefix(src).expect("a path below src").to_string_lossy().replace('\\', "/");
        let code = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(i, line)| (i + 1, line.to_owned()))
            .collect();
        Self { path: name, code, text }
    }

    /// The top-level module, `trace` for `trace/v2/index.rs`.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Whether the file belongs to this module, given as a path such as `survey::v2`.
    fn is_below(&self, module: &str) -> bool {
        let rest = self.path.strip_prefix(&module.replace("::", "/"));
        rest.is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
    }

    /// Code before the file's own tests; none of a file that is all tests.
    fn code_without_tests(&self) -> impl Iterator<Item = &(usize, String)> {
        let all_tests = self.path.trim_end_matches(".rs").split('/').any(|part| matches!(part, "tests" | "testing"));
        self.code.iter().filter(move |_| !all_tests).take_while(|(_, line)| line != "mod tests {")
    }
}

fn sources() -> Vec<SourceFile> {
    let src = root().join("src");
    files(&src, "rs").iter().map(|path| SourceFile::read(path, &src)).collect()
}

/// The modules that a line names after `prefix`, `crate::{a, b::c}` included.
fn named<'a>(line: &'a str, prefix: &str) -> Vec<&'a str> {
    let word = |text: &'a str| -> &'a str {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        &text[..end]
    };
    let mut found = Vec::new();
    for (at, _) in line.match_indices(prefix) {
        let rest = &line[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(list) => found.extend(list.split(',').map(|item| word(item.trim_start()))),
            None => found.push(word(rest)),
        }
    }
    found
}

#[test]
fn a_module_imports_only_from_the_left() {
    let row = |module: &str| ROWS.iter().position(|row| row.contains(&module));
    let mut violations = BTreeSet::new();
    for file in sources() {
        let from = file.module();
        if matches!(from, "cli" | "main" | "lib") {
            continue;
        }
        let Some(own_row) = row(from) else {
            panic!(
                "src/{} belongs to no row: give module '{from}' its place in ROWS and docs/architecture.md",
                file.path
            )
        };
        for (number, line) in &file.code {
            for to in named(line, "crate::") {
                let Some(its_row) = row(to) else { continue };
                if its_row > own_row {
                    violations.insert(format!("src/{}:{number}: {from} must not know {to}", file.path));
                }
            }
            for (from, to) in STRANGERS {
                if file.is_below(from) && line.contains(&format!("crate::{to}")) {
                    violations.insert(format!("src/{}:{number}: {from} must not know {to}", file.path));
                }
            }
        }
    }
    assert!(violations.is_empty(), "{violations:#?}");
}

#[test]
fn only_the_command_line_sees_the_outside() {
    const OUTSIDE: &[&str] = &[
        "println!",
        "eprintln!",
        "print!(",
        "std::fs",
        "std::env",
        "std::process",
        "std::net",
        "io::stdout",
        "io::stderr",
        "io::stdin",
        "Instant::now",
        "SystemTime",
    ];
    for file in sources().iter().filter(|f| !matches!(f.module(), "cli" | "main")) {
        for (number, line) in file.code_without_tests() {
            for word in OUTSIDE {
                assert!(!line.contains(word), "src/{}:{number}: {word} outside cli", file.path);
            }
        }
    }
    // There too, output goes through writers that can fail and be tested.
    for file in sources() {
        for (number, line) in file.code_without_tests() {
            for word in ["println!", "print!(", "dbg!("] {
                assert!(!line.contains(word), "src/{}:{number}: {word}", file.path);
            }
        }
    }
}

#[test]
fn threads_start_in_the_pipeline_alone() {
    for file in sources().iter().filter(|f| !matches!(f.module(), "pipeline" | "cli")) {
        for (number, line) in file.code_without_tests() {
            // `rayon::join` and parallel iterators run in the pool that the pipeline has installed.
            for word in ["std::thread", "thread::spawn", "ThreadPoolBuilder"] {
                assert!(!line.contains(word), "src/{}:{number}: {word} outside pipeline", file.path);
            }
        }
    }
}

#[test]
fn versions_are_known_in_one_file() {
    // Version numbers in code, as text or as parts of names; comments that cite Go's sources do not count.
    let version =
        regex::Regex::new(r#""(go )?1\.[0-9]+( trace.*)?"|\b[Gg][Oo]_?1_?(5|7|8|9|10|11|19|2[0-9])\b"#).unwrap();
    for file in sources().iter().filter(|f| f.path != "trace/version.rs") {
        for (number, line) in file.code_without_tests() {
            assert!(!version.is_match(line), "src/{}:{number}: a version outside trace/version.rs: {line}", file.path);
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    let folders = ["src", "tests", "benches", "examples"].map(|f| root().join(f));
    let mut missing: Vec<PathBuf> = folders.iter().flat_map(|folder| files(folder, "rs")).collect();
    missing.retain(|path| !std::fs::read_to_string(path).is_ok_and(|text| text.starts_with("//! ")));
    assert!(missing.is_empty(), "without a first line //!: {missing:#?}");
}

#[test]
fn there_is_no_drawer_for_everything_else() {
    for file in sources() {
        for part in file.path.trim_end_matches(".rs").split('/') {
            assert!(!matches!(part, "util" | "utils" | "helpers" | "misc" | "common"), "src/{}", file.path);
        }
        assert!(!file.text.contains("static mut"), "src/{}", file.path);
    }
}

#[test]
fn the_module_map_names_every_folder() {
    let map = std::fs::read_to_string(root().join("docs/architecture.md")).expect("docs/architecture.md");
    for file in sources() {
        let Some((folder, _)) = file.path.rsplit_once('/') else { continue };
        let name = folder.rsplit('/').next().unwrap_or_default();
        assert!(map.contains(&format!("{name}/")), "docs/architecture.md does not name the folder src/{folder}");
    }
}

#[test]
fn every_warning_is_explained() {
    let docs = std::fs::read_to_string(root().join("docs/semantics.md")).expect("docs/semantics.md");
    let id = regex::Regex::new(r#"Warning::(?:note|lost)\(\s*"([a-z-]+)""#).unwrap();
    let mut seen = 0;
    for file in sources() {
        for found in id.captures_iter(&file.text) {
            seen += 1;
            assert!(docs.contains(&format!("`{}`", &found[1])), "docs/semantics.md does not explain {}", &found[1]);
        }
    }
    assert!(seen > 10, "only {seen} warnings were found in the sources");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let link = regex::Regex::new(r"\]\(([^)#\s]+)(#[^)]*)?\)").unwrap();
    let mut documents = files(&root().join("docs"), "md");
    documents.extend([root().join("README.md"), root().join("CHANGELOG.md")]);
    for document in documents {
        let text = std::fs::read_to_string(&document).expect("a readable document");
        for found in link.captures_iter(&text).filter(|f| !f[1].contains("://")) {
            let target = document.parent().expect("a folder").join(&found[1]);
            assert!(target.exists(), "{}: {} leads nowhere", document.display(), &found[1]);
        }
    }
}
