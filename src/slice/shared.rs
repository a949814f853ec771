//! Shared goroutines: they serve many requests and belong to none, although one of these happens to start them.
//!
//! Connections of a pool, background readers, and so on. They are known by the names of their entry functions.

/// Packages of HTTP/2, each with the prefix of its types: up to Go 1.26 `net/http` had it bundled.
const HTTP2_PREFIXES: &[&str] = &["net/http.(*http2", "net/http/internal/http2.(*", "golang.org/x/net/http2.(*"];

/// Entry functions of HTTP/2's own goroutines, after one of [`HTTP2_PREFIXES`]: the type, and its method.
const HTTP2_ENTRIES: &[(&str, &str)] = &[
    ("addConnCall)", "run"),
    ("clientConn)", "readLoop"),
    ("serverConn)", "readFrames"),
    ("serverConn)", "writeFrameAsync"),
];

/// Entry functions of the other shared goroutines. Prefixes of names, since the numbers of closures change.
const ENTRIES: &[&str] = &[
    // The server notices here that a client hangs up (`net/http/server.go`).
    "net/http.(*connReader).backgroundRead",
    // Connections of the client's pool (`net/http/transport.go`).
    "net/http.(*persistConn).readLoop",
    "net/http.(*persistConn).writeLoop",
    "net/http.(*Transport).dialConnFor",
    "net/http.(*Transport).startDialConnForLocked.func",
    // The pool of a database (`database/sql/sql.go`).
    "database/sql.(*DB).connectionOpener",
    "database/sql.(*DB).connectionResetter",
    "database/sql.(*DB).connectionCleaner",
    // Signals (`os/signal/signal_unix.go`).
    "os/signal.loop",
    // Connections of a gRPC client (`internal/transport/http2_client.go`, `clientconn.go`).
    "google.golang.org/grpc/internal/transport.(*http2Client).reader",
    "google.golang.org/grpc/internal/transport.(*http2Client).keepalive",
    "google.golang.org/grpc/internal/transport.newHTTP2Client.func",
    "google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run",
    "google.golang.org/grpc.(*addrConn).",
];

/// Whether an entry function is that of a goroutine that many requests share.
pub(crate) fn is_shared(entry: &str) -> bool {
    ENTRIES.iter().any(|name| entry.starts_with(name))
        || HTTP2_PREFIXES.iter().any(|prefix| is_shared_http2(entry, prefix))
}

fn is_shared_http2(entry: &str, prefix: &str) -> bool {
    let Some((owner, method)) = entry.strip_prefix(prefix).and_then(|rest| rest.split_once('.')) else { return false };
    HTTP2_ENTRIES.iter().any(|&(o, m)| owner.eq_ignore_ascii_case(o) && method == m)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_goroutines_are_known_by_their_entry_function() {
        for entry in [
            "net/http.(*connReader).backgroundRead",
            "net/http.(*Transport).startDialConnForLocked.func1",
            "net/http.(*http2ClientConn).readLoop",
            "net/http/internal/http2.(*ClientConn).readLoop",
            "golang.org/x/net/http2.(*ClientConn).readLoop",
            "net/http.(*http2addConnCall).run",
            "net/http/internal/http2.(*serverConn).writeFrameAsync",
            "database/sql.(*DB).connectionOpener",
        ] {
            assert!(is_shared(entry), "{entry}");
        }
    }

    #[test]
    fn work_for_one_request_is_not_shared() {
        for entry in [
            "main.worker",
            "net/http.(*conn).serve",
            "net/http.(*http2clientStream).doRequest",
            "net/http/internal/http2.(*serverConn).runHandler",
            "database/sql.(*Tx).awaitDone",
            "",
        ] {
            assert!(!is_shared(entry), "{entry}");
        }
    }
}
