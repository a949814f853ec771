//! Which functions are the program's own, decided once for a profile.
//!
//! Own code is the module of the root, or of the program where the root is a library's. A package path alone cannot tell,
//! as `main` has none; so the files do:
//!
//! ```text
//!   /home/me/shop/main.go                                 own
//!   /root/go/pkg/mod/github.com/lib/pq@v1.10.9/conn.go    a module that was fetched
//!   /home/me/shop/vendor/github.com/lib/pq/conn.go        one that was vendored
//!   /go/src/github.com/lib/pq/conn.go                     below GOPATH, in another repository than the root's
//! ```

use super::{Profile, ProfileFrame, SharedText, StackTree, is_std, only_parks, package};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::LazyLock;

/// Which functions are the program's own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OwnCode {
    level: Level,
    /// The frames of the tree that it was made for, each with whether it is own: stacks of many samples ask for the same.
    known: FxHashMap<ProfileFrame, bool>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
enum Level {
    /// Those of the program's own modules, in no file of Go's; below GOPATH, of the root's repository.
    Program(Repository, GoSource),
    /// These, by name, and the root: the frames have no files.
    Functions(FxHashSet<SharedText>),
    /// All that are not Go's: there are none of the program's.
    NotStd,
    /// All that do not only park: there are no others.
    #[default]
    All,
}

/// Where the roots are. Without modules, what was fetched lies beside them below GOPATH, in other repositories.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Repository {
    /// The roots are not the program's own, or not known.
    Any,
    /// `github.com/me/app`; none where the roots are in no such folder.
    Of(Option<String>),
}

/// All that is not Go's.
static NOT_STD: LazyLock<OwnCode> = LazyLock::new(|| OwnCode::from(Level::NotStd));

impl OwnCode {
    /// What is own on stacks of these profiles that have no files.
    pub(crate) fn of_profiles(profiles: [&Profile; 2]) -> Self {
        let own = |profile: &'_ Profile| {
            let frames = profile.tree.frames().iter().filter(|frame| profile.own_code.has(frame));
            frames.map(|frame| frame.function.clone()).collect::<Vec<_>>()
        };
        Level::Functions(profiles.into_iter().flat_map(own).collect()).into()
    }

    /// What is own on the stacks of a tree, where the roots have these names.
    pub(crate) fn of<'r>(tree: &StackTree, roots: impl Iterator<Item = &'r str>) -> Self {
        let roots: FxHashSet<&str> = roots.collect();
        let program = Level::Program(Repository::of(tree, &roots), GoSource::of(tree));
        let levels = [program, Level::NotStd];
        let level = levels.into_iter().find(|own| tree.frames().iter().any(|frame| own.has(frame))).unwrap_or_default();
        let known = tree.frames().iter().map(|frame| (frame.clone(), level.has(frame))).collect();
        Self { level, known }
    }

    /// Whether a frame is own.
    pub fn has(&self, frame: &ProfileFrame) -> bool {
        self.known.get(frame).copied().unwrap_or_else(|| self.level.has(frame))
    }

    /// What counts as own on one stack: where nothing is, all that is not Go's.
    pub fn on_stack(&self, stack: &[&ProfileFrame]) -> &Self {
        if stack.iter().any(|frame| self.has(frame)) { self } else { &NOT_STD }
    }
}

impl From<Level> for OwnCode {
    fn from(level: Level) -> Self {
        Self { level, known: FxHashMap::default() }
    }
}

impl Level {
    fn has(&self, frame: &ProfileFrame) -> bool {
        let is_wanted = match self {
            Self::Program(repository, go) => {
                let file = &frame.file;
                !is_std(&frame.function) && !is_fetched(file) && !go.has(file) && repository.has(file)
            }
            Self::Functions(own) => own.contains(&frame.function) || frame.function == ProfileFrame::ROOT,
            Self::NotStd => !is_std(&frame.function),
            Self::All => true,
        };
        is_wanted && !frame.is_pseudo() && !only_parks(&frame.function)
    }
}

/// Where Go's own source is: `/usr/lib/go/src/`; empty where `-trimpath` has cut that. None if nothing tells.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct GoSource(Option<String>);

impl GoSource {
    /// What comes before the package in the file of one of Go's own functions.
    fn of(tree: &StackTree) -> Self {
        let before = |frame: &ProfileFrame| {
            let package = package(&frame.function);
            let before = before_package(&frame.file, package)?;
            (is_std(&frame.function) && !package.is_empty()).then(|| before.to_owned())
        };
        // An inlined function has the name of who inlined it, but these are none of Go's.
        Self(tree.frames().iter().find_map(before))
    }

    /// Whether a file is a part of it. A closure of `net/http` that was inlined into `main` is called `main.main.StripPrefix.func1`,
    /// and stands in such a file.
    fn has(&self, file: &str) -> bool {
        let inside = self.0.as_deref().and_then(|go| file.strip_prefix(go));
        // A name with a dot is a host, as in `go.etcd.io/etcd`.
        let is_gos = |first: &str| !first.contains('.') && is_std(&format!("{first}."));
        inside.and_then(|path| path.split_once('/')).is_some_and(|(first, _)| is_gos(first))
    }
}

impl Repository {
    fn of(tree: &StackTree, roots: &FxHashSet<&str>) -> Self {
        let is_root = |frame: &&ProfileFrame| {
            roots.contains(&*frame.function) && !is_std(&frame.function) && !is_fetched(&frame.file)
        };
        let root = tree.frames().iter().find(is_root);
        root.map_or(Self::Any, |frame| Self::Of(repository(&frame.file).map(str::to_owned)))
    }

    fn has(&self, file: &str) -> bool {
        match (self, repository(file)) {
            (Self::Any, _) | (_, None) => true,
            (Self::Of(of_roots), found) => of_roots.as_deref() == found,
        }
    }
}

/// What comes before a package's folder in the path of a file. `time` is no part of `runtime`: `time.Sleep` stands in
/// `runtime/time.go`, which does not tell where `time` is.
fn before_package<'f>(file: &'f str, package: &str) -> Option<&'f str> {
    let folder = format!("/{package}/");
    let below = file.rfind(&folder).map(|at| &file[..=at]);
    below.or_else(|| file.starts_with(&folder[1..]).then_some(""))
}

/// Whether a file is of a module that was fetched or vendored.
pub(crate) fn is_fetched(file: &str) -> bool {
    let is_of_version = |part: &str| {
        let version = part.rsplit_once("@v").map(|(_, version)| version);
        part == "vendor" || version.is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()))
    };
    file.split(['/', '\\']).any(is_of_version)
}

/// The repository of a file below GOPATH: `github.com/lib/pq` of `/go/src/github.com/lib/pq/conn.go`.
fn repository(file: &str) -> Option<&str> {
    let path = file.rsplit_once("/src/")?.1;
    let mut slashes = path.match_indices('/').map(|(at, _)| at);
    let host = &path[..slashes.next()?];
    let end = slashes.nth(1)?;
    host.contains('.').then(|| &path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(frames: &[(&str, &str)], root: &str) -> Vec<bool> {
        let mut tree = StackTree::default();
        let frame = |(file, function): &(&str, &str)| ProfileFrame {
            function: (*function).into(),
            file: (*file).into(),
            line: 1,
        };
        for of in frames {
            let frame = tree.intern_frame(frame(of));
            tree.push(StackTree::ROOT, frame);
        }
        let own = OwnCode::of(&tree, [root].into_iter());
        frames.iter().map(|of| own.has(&frame(of))).collect()
    }

    #[test]
    fn fetched_modules_are_not_own() {
        let frames = [
            ("/home/me@vienna/shop/main.go", "main.main"),
            ("example.com/shop/db.go", "example.com/shop.Query"),
            ("/srv/vendors/main.go", "main.other"),
            ("/root/go/pkg/mod/github.com/lib/pq@v1.10.9/conn.go", "github.com/lib/pq.(*conn).recv"),
            ("/src/vendor/github.com/lib/pq/conn.go", "github.com/lib/pq.(*conn).send"),
            ("/usr/lib/go/src/net/http/server.go", "net/http.(*conn).serve"),
            ("", "[go]"),
        ];
        assert_eq!(own(&frames, "main.main"), [true, true, true, false, false, false, false]);
    }

    #[test]
    fn what_stands_in_a_file_of_gos_is_not_own() {
        let inlined = "main.main.StripPrefix.func4";
        let frames = [
            ("/usr/lib/go/src/net/http/server.go", "net/http.(*conn).serve"),
            ("/usr/lib/go/src/net/http/server.go", inlined),
            ("/home/me/src/net/main.go", "main.main.logged.func6"),
        ];
        assert_eq!(own(&frames, "main.main.logged.func6"), [false, false, true]);
        let trimmed = [
            ("net/http/server.go", "net/http.(*conn).serve"),
            ("net/http/server.go", inlined),
            ("example.com/net/http/main.go", "main.main.logged.func6"),
        ];
        assert_eq!(own(&trimmed, "main.main.logged.func6"), [false, false, true]);
        // Its twin: nothing tells where Go's source is.
        assert_eq!(own(&[("net/http/server.go", inlined)], inlined), [true]);
    }

    #[test]
    fn a_package_is_no_part_of_another_ones_name() {
        let go = |frames: &[(&str, &str)]| {
            let mut tree = StackTree::default();
            for (file, function) in frames {
                tree.intern(function, file, 1);
            }
            GoSource::of(&tree).0
        };
        let sleep = ("/usr/lib/go/src/runtime/time.go", "time.Sleep");
        assert_eq!(go(&[sleep]), None);
        assert_eq!(go(&[("runtime/time.go", "time.Sleep")]), None);
        let src = Some("/usr/lib/go/src/".to_owned());
        assert_eq!(go(&[sleep, ("/usr/lib/go/src/time/tick.go", "time.NewTicker")]), src);
        assert_eq!(go(&[("/usr/lib/go/src/runtime/time.go", "runtime.timeSleep")]), src);
        assert_eq!(go(&[("time/tick.go", "time.NewTicker")]), Some(String::new()));
    }

    #[test]
    fn a_host_that_begins_like_a_package_of_gos_is_a_host() {
        let trimmed = [
            ("net/http/server.go", "net/http.(*conn).serve"),
            ("go.etcd.io/etcd/etcdserver/v3_server.go", "go.etcd.io/etcd/etcdserver.(*EtcdServer).Put"),
            ("net.example.com/shop/main.go", "net.example.com/shop.H"),
            ("go/types/api.go", "main.main.inlined.func1"),
        ];
        assert_eq!(own(&trimmed, "go.etcd.io/etcd/etcdserver.(*EtcdServer).Put"), [false, true, true, false]);
    }

    #[test]
    fn below_gopath_own_is_the_repository_of_the_root() {
        let frames = [
            ("/go/src/github.com/me/shop/main.go", "main.H"),
            ("/go/src/github.com/me/shop/db/db.go", "github.com/me/shop/db.Load"),
            ("/go/src/github.com/lib/pq/conn.go", "github.com/lib/pq.recv"),
        ];
        assert_eq!(own(&frames, "main.H"), [true, true, false]);
        // Its twin: nobody knows where the roots are.
        assert_eq!(own(&frames, "net/http.(*conn).serve"), [true, true, true]);
        // The program is outside of GOPATH.
        let outside = [("/home/me/shop/main.go", "main.H"), frames[2]];
        assert_eq!(own(&outside, "main.H"), [true, false]);
    }

    #[test]
    fn without_own_code_what_is_not_gos_is_and_then_all() {
        let (driver, go) = (("/mod/github.com/lib/pq@v1.0.0/c.go", "github.com/lib/pq.recv"), ("", "net/http.serve"));
        assert_eq!(own(&[driver, go], ""), [true, false]);
        assert_eq!(own(&[go, ("", "runtime.gopark")], ""), [true, false]);
    }

    #[test]
    fn repositories_are_told_by_their_folders() {
        assert_eq!(repository("/go/src/github.com/lib/pq/conn.go"), Some("github.com/lib/pq"));
        assert_eq!(repository("/go/src/srv/mux/main.go"), None);
        assert_eq!(repository("/go/src/example.com/a.go"), None);
        assert_eq!(repository("/home/me/app/main.go"), None);
    }
}
