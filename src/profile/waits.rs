//! What a wait is for, from its state and the functions on its stack.

/// Whether a wait in a state is for a message: on a channel, or in a select.
pub(crate) fn is_message(state: &str) -> bool {
    state.starts_with("chan ") || state.starts_with("select")
}

/// Whether a state is a wait for the collector (`gopark`'s trace reasons, `runtime/traceruntime.go` of Go 1.22 - 1.27).
pub(crate) fn is_for_collector(state: &str) -> bool {
    state.starts_with("GC ") || state == "wait until GC ends"
}

/// Whether a function is one of the collector's own (`runtime/mgc*.go` of Go 1.19 - 1.27).
pub(crate) fn is_of_collector(function: &str) -> bool {
    function.starts_with("runtime.gc") || function.starts_with("runtime.bgsweep")
}

/// Whether a wait with this detail is for a lock that somebody holds.
pub(crate) fn is_lock(detail: &str) -> bool {
    matches!(detail, "mutex" | "rwmutex")
}

/// Which lock: from the leaf up, the first function that is not a lock's inner part tells (Go 1.22 – 1.27, `sync`).
pub(crate) fn lock_kind<'a>(frames: impl Iterator<Item = &'a str>) -> &'static str {
    let mut found = "";
    for frame in frames {
        let kind = match frame {
            "sync.(*Once).doSlow" | "sync.(*Once).Do" => "once",
            _ if frame.starts_with("sync.(*RWMutex).") => "rwmutex",
            _ if frame.starts_with("sync.(*WaitGroup).") => "wait group",
            _ if frame.starts_with("sync.(*Mutex).") || frame.starts_with("internal/sync.(*Mutex).") => "mutex",
            _ if frame.starts_with("internal/poll.") || frame.starts_with("runtime.") => "runtime",
            _ if frame.starts_with("sync.runtime_") || frame.starts_with("internal/sync.runtime_") => continue,
            _ => break,
        };
        // A mutex inside a once or an rwmutex is theirs; anything else is what it says.
        match (found, kind) {
            ("", _) | ("mutex", "once" | "rwmutex") => found = kind,
            _ => break,
        }
    }
    found
}

/// Whether one of these functions reads a stream part by part: a body, the rows of a query, what the other side of a
/// connection sends when it wants to. However often it waits, it was asked for once (Go 1.19 – 1.27, `net/http`, `io`,
/// `database/sql`; grpc-go; the packages named websocket).
pub(crate) fn reads_stream<'a>(functions: impl Iterator<Item = &'a str>) -> bool {
    let (mut is_stream, mut is_call) = (false, false);
    for function in functions {
        match function {
            "net/http.(*connReader).Read"
            | "net/http.(*body).Read"
            | "net/http.(*bodyEOFSignal).Read"
            | "io.Copy"
            | "io.CopyBuffer"
            | "io.CopyN"
            | "io.ReadAll"
            | "database/sql.(*Rows).Next"
            | "google.golang.org/grpc.(*clientStream).RecvMsg"
            | "google.golang.org/grpc.(*serverStream).RecvMsg" => is_stream = true,
            // One row, one message: these are calls.
            "database/sql.(*Row).Scan" | "google.golang.org/grpc.invoke" => is_call = true,
            _ => is_stream |= package_name(function).contains("websocket"),
        }
    }
    is_stream && !is_call
}

/// The last part of a function's package path: `websocket` of `nhooyr.io/websocket.(*Conn).Read`.
fn package_name(function: &str) -> &str {
    let from = function.rfind('/').map_or(0, |at| at + 1);
    let name = &function[from..];
    name.split('.').next().unwrap_or(name)
}

/// A pool of a widely used library, at which a caller waits until something is free.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LibraryPool {
    /// Connections of `database/sql`, as many as `SetMaxOpenConns` allows.
    Database,
    /// Connections of `net/http` to one host, as many as `MaxConnsPerHost` allows; also one that is being made.
    Host,
    /// `golang.org/x/sync/semaphore`.
    Semaphore,
    /// `github.com/jackc/puddle`, the pool of pgx.
    Puddle,
}

impl LibraryPool {
    /// The pool that one of these functions waits at.
    pub(crate) fn of<'a>(mut frames: impl Iterator<Item = &'a str>) -> Option<Self> {
        frames.find_map(|function| match function {
            "database/sql.(*DB).conn" => Some(Self::Database),
            "net/http.(*Transport).getConn" => Some(Self::Host),
            "golang.org/x/sync/semaphore.(*Weighted).Acquire" => Some(Self::Semaphore),
            "github.com/jackc/puddle/v2.(*Pool[...]).acquire" => Some(Self::Puddle),
            _ => None,
        })
    }

    /// A word for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Host => "host",
            Self::Semaphore => "semaphore",
            Self::Puddle => "puddle",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_told_by_the_function_that_waits() {
        let pool = |frames: &[&'static str]| LibraryPool::of(frames.iter().copied());
        assert_eq!(pool(&["database/sql.(*DB).conn", "database/sql.(*DB).query"]), Some(LibraryPool::Database));
        assert_eq!(pool(&["net/http.(*Transport).getConn", "main.f"]), Some(LibraryPool::Host));
        assert_eq!(pool(&["database/sql.(*DB).query", "main.f"]), None);
    }

    #[test]
    fn streams_are_told_from_calls() {
        let stream = |frames: &[&'static str]| reads_stream(frames.iter().copied());
        assert!(stream(&["net.(*conn).Read", "net/http.(*bodyEOFSignal).Read", "io.Copy"]));
        assert!(stream(&["net.(*conn).Read", "github.com/gorilla/websocket.(*Conn).NextReader"]));
        assert!(stream(&["google.golang.org/grpc.(*clientStream).RecvMsg", "pb.(*client).Recv"]));
        assert!(!stream(&["google.golang.org/grpc.(*clientStream).RecvMsg", "google.golang.org/grpc.invoke"]));
        assert!(stream(&["database/sql.(*Rows).Next"]));
        assert!(!stream(&["database/sql.(*Rows).Next", "database/sql.(*Row).Scan"]));
        assert!(!stream(&["net.(*conn).Read", "github.com/lib/pq.(*conn).recvMessage"]));
    }

    #[test]
    fn locks_are_told_apart() {
        let lock = |frames: &[&'static str]| lock_kind(frames.iter().copied());
        assert_eq!(lock(&["sync.(*Mutex).Lock", "main.f"]), "mutex");
        assert_eq!(
            lock(&["internal/sync.(*Mutex).lockSlow", "internal/sync.(*Mutex).Lock", "sync.(*Mutex).Lock"]),
            "mutex"
        );
        assert_eq!(lock(&["sync.(*Mutex).Lock", "sync.(*RWMutex).Lock", "main.f"]), "rwmutex");
        assert_eq!(lock(&["sync.(*RWMutex).RLock", "main.f"]), "rwmutex");
        assert_eq!(lock(&["sync.(*Mutex).Lock", "sync.(*Once).doSlow", "sync.(*Once).Do", "main.f"]), "once");
        assert_eq!(lock(&["sync.(*WaitGroup).Wait", "sync.(*Once).doSlow"]), "wait group");
        assert_eq!(lock(&["runtime.gcStart", "main.f"]), "runtime");
        assert_eq!(lock(&["main.f", "sync.(*Mutex).Lock"]), "");
    }
}
