//! Goroutines that serve many requests and belong to none, although one happens to start them.

/// Packages of HTTP/2, each with a prefix of its types: `net/http` had it bundled up to Go 1.26.
const HTTP2: &[&str] = &["net/http.(*http2", "net/http/internal/http2.(*", "golang.org/x/net/http2.(*"];

/// Entry functions of HTTP/2's own goroutines, behind one of [`HTTP2`].
const OF_HTTP2: &[(&str, &str)] = &[
    ("addConnCall)", "run"),
    ("clientConn)", "readLoop"),
    ("serverConn)", "readFrames"),
    ("serverConn)", "writeFrameAsync"),
];

/// Entry functions: beginnings of names, for the numbers of their closures change.
const ENTRIES: &[&str] = &[
    // The server looks out for a client that hangs up (`net/http/server.go`).
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

/// Whether an entry function is that of shared plumbing.
pub fn is_plumbing(entry: &str) -> bool {
    ENTRIES.iter().any(|name| entry.starts_with(name)) || HTTP2.iter().any(|prefix| is_http2s(entry, prefix))
}

fn is_http2s(entry: &str, prefix: &str) -> bool {
    let Some((owner, method)) = entry.strip_prefix(prefix).and_then(|rest| rest.split_once('.')) else { return false };
    OF_HTTP2.iter().any(|&(o, m)| owner.eq_ignore_ascii_case(o) && method == m)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plumbing_is_known_by_its_entry_function() {
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
            assert!(is_plumbing(entry), "{entry}");
        }
    }

    #[test]
    fn work_for_one_request_is_none() {
        for entry in [
            "main.worker",
            "net/http.(*conn).serve",
            "net/http.(*http2clientStream).doRequest",
            "net/http/internal/http2.(*serverConn).runHandler",
            "database/sql.(*Tx).awaitDone",
            "",
        ] {
            assert!(!is_plumbing(entry), "{entry}");
        }
    }
}
