//! What a stack says about a server's requests, by the names of the functions on it.
//!
//! Names and who calls whom: `net/http/server.go` of Go 1.19 – 1.27, `http2` in its three packages, and
//! `google.golang.org/grpc/server.go`.

use crate::trace::ids::StackIdx;
use crate::trace::symbols::Symbols;

/// The function of a connection's goroutine, HTTP/1.
pub(crate) const CONNECTION: &str = "net/http.(*conn).serve";

/// Calls a plain function as a handler, and nothing else.
pub(crate) const HANDLER_FUNC: &str = "net/http.HandlerFunc.ServeHTTP";

/// Where in a server a goroutine was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum ServerStep {
    /// In no known server.
    #[default]
    None,
    /// HTTP/1, in the connection's own code around its requests.
    Between,
    /// HTTP/1, reading the next request.
    Reading,
    /// HTTP/1, creating the background reader of a request without a body, right before its handler.
    Start,
    /// HTTP/1, in the server's own wrappers around a handler.
    Wrapped,
    /// HTTP/1, in a handler.
    Handler,
    /// HTTP/1, after the handler: the response is written, an unread body is read.
    Finish,
    /// HTTP/1, recovering from a handler's panic.
    Recover,
    /// On a goroutine that serves one request alone, outside its handler.
    Stream,
    /// On such a goroutine, in the handler.
    StreamHandler,
    /// HTTP/1, in a handler that takes the connection over: what follows is no HTTP.
    Hijack,
    /// gRPC, on a goroutine that serves one call after the other, outside of any handler.
    Worker,
    /// The same, in a handler.
    WorkerHandler,
}

/// What a function is to a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Role {
    /// No known part of a server.
    #[default]
    Other,
    /// The runtime's.
    Runtime,
    /// Serves a connection.
    Connection,
    /// Reads a request, called by the connection.
    Reader,
    /// Starts a background reader.
    BackgroundStart,
    /// Ends a request.
    Finisher,
    /// Recovers from a panic.
    Recoverer,
    /// Hands a request to an [`http.Handler`](https://pkg.go.dev/net/http#Handler).
    Dispatcher,
    /// Calls a plain function as a handler.
    Caller,
    /// Any other type's `ServeHTTP`.
    ServeHttp,
    /// Lets a handler take the connection over.
    Hijacker,
    /// A goroutine of its own for each HTTP request.
    StreamEntry,
    /// A goroutine of its own for each gRPC request.
    GrpcEntry,
    /// gRPC's goroutine that serves one request after the other.
    GrpcWorker,
    /// A gRPC service's method, as generated.
    GrpcMethod,
}

/// Runs its handler on a goroutine of its own.
pub(crate) const TIMEOUT_HANDLER: &str = "net/http.(*timeoutHandler).ServeHTTP";

/// Functions that wrap handlers, of `net/http` itself.
const DISPATCHERS: &[&str] = &[
    "net/http.serverHandler.ServeHTTP",
    "net/http.initALPNRequest.ServeHTTP",
    "net/http.http2Handler.ServeHTTP",
    "net/http.(*ServeMux).ServeHTTP",
    "net/http.StripPrefix.func1",
    "net/http.MaxBytesHandler.func1",
    "net/http.AllowQuerySemicolons.func1",
    "net/http.(*CrossOriginProtection).Handler.func1",
    TIMEOUT_HANDLER,
    // h2c of Go 1.24 to 1.26.
    "net/http.unencryptedHTTP2Request.ServeHTTP",
];

/// Entry functions of goroutines that serve one request of HTTP.
const STREAMS: &[&str] = &[
    "net/http.(*http2serverConn).runHandler",
    "net/http/internal/http2.(*serverConn).runHandler",
    "golang.org/x/net/http2.(*serverConn).runHandler",
    "net/http.(*timeoutHandler).ServeHTTP.func1",
];

/// The file of `net/http` whose closures wrap handlers. Inlined, such a closure is called after the function it is in.
const WRAPPERS_FILE: &str = "net/http/server.go";

/// gRPC's goroutine that serves one request after the other (`grpc.NumStreamWorkers`).
pub(crate) const GRPC_WORKER: &str = "google.golang.org/grpc.(*Server).serverWorker";

const GRPC_STREAM: &str = "google.golang.org/grpc.(*Server).serveStreams.func";

/// Whether a stack is that of a connection's goroutine that hands a call over to a stream worker.
pub(crate) fn hands_call_over(symbols: &Symbols, stack: StackIdx) -> bool {
    let mut names = symbols.frames(stack).map(|frame| symbols.function(frame));
    names.find(|name| !name.starts_with("runtime.")).is_some_and(|name| name.starts_with(GRPC_STREAM))
}

/// The protocol of a request that a goroutine with this entry function serves alone; none for other functions.
pub(crate) fn protocol_of(entry: &str) -> Option<&'static str> {
    match role(entry) {
        Role::GrpcEntry => Some("gRPC"),
        Role::StreamEntry if entry.ends_with("runHandler") => Some("HTTP/2"),
        _ => None,
    }
}

/// Whether a function is a wrapper of `net/http` itself, which hands requests on.
pub(crate) fn hands_on(name: &str) -> bool {
    matches!(role(name), Role::Dispatcher | Role::Caller)
}

/// What a function is to a server, where it may be a closure of `net/http` that was inlined into another function: its
/// `file` says that. Its handler is called by it, in whatever form.
pub(crate) fn role_in<'f>(name: &str, file: impl FnOnce() -> &'f str) -> Role {
    match role(name) {
        Role::Other if may_be_inlined(name) && is_wrappers_file(file()) => Role::Dispatcher,
        role => role,
    }
}

/// Whether a name can be that of an inlined closure of `net/http`.
pub(crate) fn may_be_inlined(name: &str) -> bool {
    name.contains(".func") && !name.starts_with("net/http.")
}

/// Whether a file is the one whose closures wrap handlers.
pub(crate) fn is_wrappers_file(file: &str) -> bool {
    file.ends_with(WRAPPERS_FILE)
}

/// What a function is to a server.
pub(crate) fn role(name: &str) -> Role {
    match name {
        CONNECTION => return Role::Connection,
        "net/http.(*conn).readRequest" | "bufio.(*Reader).Peek" => return Role::Reader,
        "net/http.(*connReader).startBackgroundRead" => return Role::BackgroundStart,
        "net/http.(*response).finishRequest" => return Role::Finisher,
        HANDLER_FUNC => return Role::Caller,
        "net/http.(*conn).hijackLocked" => return Role::Hijacker,
        GRPC_WORKER => return Role::GrpcWorker,
        _ => {}
    }
    if name.starts_with("runtime.") {
        Role::Runtime
    } else if name.starts_with("net/http.(*conn).serve.func") {
        Role::Recoverer
    } else if DISPATCHERS.contains(&name) {
        Role::Dispatcher
    } else if STREAMS.contains(&name) {
        Role::StreamEntry
    } else if name.starts_with(GRPC_STREAM) {
        Role::GrpcEntry
    } else if name.ends_with(".ServeHTTP") {
        Role::ServeHttp
    } else if name.ends_with("_Handler") && name.contains("._") {
        Role::GrpcMethod
    } else {
        Role::Other
    }
}

/// State of a walk through a stack, from its outermost frame inwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum StackWalk {
    /// Before the outermost frame.
    #[default]
    Outermost,
    /// In code that is no server's.
    Elsewhere,
    /// In the connection's function.
    Connection,
    /// In a function that the connection called, which decides the step.
    Called(ServerStep),
    /// In the server's wrappers. The next frame is a handler if it is called as one.
    Wrapper {
        /// Whether the request has a goroutine of its own.
        stream: bool,
        /// Whether any next function is the handler.
        calls: bool,
    },
    /// In code that a wrapper calls and that is no handler.
    Beside {
        /// Whether the request has a goroutine of its own.
        stream: bool,
    },
    /// In gRPC's code, on a goroutine of its own.
    Grpc,
    /// In gRPC's code, on a goroutine that serves one request after the other.
    Worker,
    /// In a handler on such a goroutine.
    WorkerHandler,
    /// In a handler.
    Handler {
        /// Whether the request has a goroutine of its own.
        stream: bool,
    },
    /// In a handler that takes the connection over.
    Hijack,
}

impl StackWalk {
    /// One frame further in.
    #[must_use]
    pub(crate) fn enter(self, role: Role) -> Self {
        match (self, role) {
            (Self::Outermost | Self::Elsewhere, Role::Connection) => Self::Connection,
            (Self::Outermost, Role::StreamEntry) => Self::Wrapper { stream: true, calls: false },
            (Self::Outermost, Role::GrpcEntry) | (Self::Grpc, _) if role != Role::GrpcMethod => Self::Grpc,
            (Self::Grpc, _) => Self::Handler { stream: true },
            (Self::Outermost, Role::GrpcWorker) => Self::Worker,
            (Self::Worker, Role::GrpcMethod) => Self::WorkerHandler,
            (Self::Worker | Self::WorkerHandler, _) => self,
            (Self::Outermost | Self::Elsewhere, _) => Self::Elsewhere,
            (Self::Connection, Role::Dispatcher) => Self::Wrapper { stream: false, calls: false },
            (Self::Connection, _) => Self::Called(called(role)),
            // Background readers are started by the last frame; what that calls is a lock of its own.
            (Self::Called(ServerStep::Start), _) => Self::Called(ServerStep::Between),
            (Self::Called(step), _) => Self::Called(step),
            (_, Role::Recoverer) => Self::Called(ServerStep::Recover),
            (Self::Wrapper { stream, .. }, Role::Dispatcher) => Self::Wrapper { stream, calls: false },
            (Self::Wrapper { stream, .. }, Role::Caller) => Self::Wrapper { stream, calls: true },
            (Self::Wrapper { stream, .. }, Role::Runtime) => Self::Beside { stream },
            (Self::Wrapper { stream, calls }, role) if calls || role == Role::ServeHttp => Self::Handler { stream },
            (Self::Wrapper { stream, .. }, _) => Self::Beside { stream },
            (Self::Handler { stream: false }, Role::Hijacker) => Self::Hijack,
            (Self::Beside { .. } | Self::Handler { .. } | Self::Hijack, _) => self,
        }
    }

    /// Whether a request is at work, in the server's wrappers or in a handler.
    pub(crate) fn is_in_request(self) -> bool {
        matches!(self, Self::Wrapper { .. } | Self::Beside { .. } | Self::Grpc | Self::Handler { .. } | Self::Hijack)
    }

    /// Whether the last frame entered is a handler, and those further in are not looked at.
    pub(crate) fn is_handler(self) -> bool {
        matches!(self, Self::Handler { .. } | Self::WorkerHandler)
    }

    /// What a stack that ends here says.
    pub(crate) fn step(self) -> ServerStep {
        match self {
            Self::Outermost | Self::Elsewhere => ServerStep::None,
            Self::Worker => ServerStep::Worker,
            Self::WorkerHandler => ServerStep::WorkerHandler,
            Self::Connection => ServerStep::Between,
            Self::Called(step) => step,
            Self::Wrapper { stream: false, .. } | Self::Beside { stream: false } => ServerStep::Wrapped,
            Self::Wrapper { stream: true, .. } | Self::Beside { stream: true } | Self::Grpc => ServerStep::Stream,
            Self::Handler { stream: false } => ServerStep::Handler,
            Self::Hijack => ServerStep::Hijack,
            Self::Handler { stream: true } => ServerStep::StreamHandler,
        }
    }
}

/// What the connection is doing in a function that it called itself.
fn called(role: Role) -> ServerStep {
    match role {
        Role::Reader => ServerStep::Reading,
        Role::BackgroundStart => ServerStep::Start,
        Role::Finisher => ServerStep::Finish,
        Role::Recoverer => ServerStep::Recover,
        _ => ServerStep::Between,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames from the outermost inwards.
    fn step(frames: &[&str]) -> ServerStep {
        frames.iter().fold(StackWalk::default(), |walk, name| walk.enter(role(name))).step()
    }

    const SERVER: &str = "net/http.serverHandler.ServeHTTP";
    const MUX: &str = "net/http.(*ServeMux).ServeHTTP";
    const FUNC: &str = "net/http.HandlerFunc.ServeHTTP";

    #[test]
    fn what_the_connection_calls_decides() {
        let under = |frames: &[&str]| step(&[&[CONNECTION], frames].concat());
        assert_eq!(under(&[]), ServerStep::Between);
        assert_eq!(under(&["crypto/tls.(*Conn).HandshakeContext", "runtime.chanrecv1"]), ServerStep::Between);
        assert_eq!(under(&["bufio.(*Reader).Peek", "syscall.read"]), ServerStep::Reading);
        assert_eq!(under(&["net/http.(*conn).readRequest", "bufio.(*Reader).Peek"]), ServerStep::Reading);
        assert_eq!(under(&["net/http.(*connReader).startBackgroundRead"]), ServerStep::Start);
        assert_eq!(under(&["net/http.(*connReader).startBackgroundRead", "sync.(*Mutex).Lock"]), ServerStep::Between);
        assert_eq!(under(&["net/http.(*response).finishRequest", "syscall.write"]), ServerStep::Finish);
        assert_eq!(under(&["net/http.(*conn).serve.func1", "syscall.Close"]), ServerStep::Recover);
        assert_eq!(step(&["net/http.(*Server).Serve.gowrap3", CONNECTION]), ServerStep::Between);
        assert_eq!(step(&["main.main"]), ServerStep::None);
        assert_eq!(step(&[]), ServerStep::None);
    }

    #[test]
    fn a_handler_is_what_is_called_as_one() {
        let under = |frames: &[&str]| step(&[&[CONNECTION, SERVER], frames].concat());
        assert_eq!(under(&[MUX, FUNC, "main.Hello", "time.Sleep"]), ServerStep::Handler);
        assert_eq!(under(&["main.(*App).ServeHTTP"]), ServerStep::Handler);
        assert_eq!(
            under(&[FUNC, "net/http.StripPrefix.func1", "net/http.(*fileHandler).ServeHTTP"]),
            ServerStep::Handler
        );
        let hijack = ["net/http.(*response).Hijack", "net/http.(*conn).hijackLocked", "sync.(*Cond).Wait"];
        assert_eq!(under(&[&[FUNC, "main.Chat"], &hijack[..]].concat()), ServerStep::Hijack);
        assert_eq!(under(&[FUNC, "main.Chat", "net/http.(*response).Write"]), ServerStep::Handler);
        assert_eq!(under(&[MUX, "sync.(*RWMutex).RLock"]), ServerStep::Wrapped);
        assert_eq!(under(&[MUX, FUNC, "runtime.asyncPreempt"]), ServerStep::Wrapped);
        assert_eq!(
            under(&[MUX, FUNC, "main.Hello", "runtime.gopanic", "net/http.(*conn).serve.func1"]),
            ServerStep::Recover
        );
        // A body read to its end starts the reader under the handler.
        assert_eq!(
            under(&[FUNC, "main.Upload", "io.Copy", "net/http.(*connReader).startBackgroundRead"]),
            ServerStep::Handler
        );
    }

    #[test]
    fn goroutines_of_their_own() {
        for entry in STREAMS {
            assert_eq!(step(&[entry]), ServerStep::Stream);
            assert_eq!(step(&[entry, SERVER, MUX, FUNC, "main.Hello"]), ServerStep::StreamHandler);
        }
        let grpc = "google.golang.org/grpc.(*Server).serveStreams.func2.1";
        let (call, method) = ("google.golang.org/grpc.(*Server).processUnaryRPC", "x/pb._Greeter_SayHello_Handler");
        assert_eq!(step(&[grpc, call, "sync.(*Mutex).Lock"]), ServerStep::Stream);
        assert_eq!(step(&[grpc, call, method, "main.(*server).SayHello"]), ServerStep::StreamHandler);
        // A worker serves one stream after the other.
        let worker = "google.golang.org/grpc.(*Server).serverWorker";
        assert_eq!(step(&[worker, grpc, call, method, "main.logged"]), ServerStep::WorkerHandler);
        assert_eq!(step(&[worker, grpc, call, "sync.(*Mutex).Lock"]), ServerStep::Worker);
        assert_eq!(protocol_of(grpc), Some("gRPC"));
        assert_eq!(protocol_of(STREAMS[1]), Some("HTTP/2"));
        assert_eq!(protocol_of(STREAMS[3]), None);
    }
}
