//! Goroutines of Go's libraries that only carry what somebody else did: a wait that one ends is for what it carries.

use super::{Profile, WakerKind, Wakeup};

/// What such a goroutine carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carrier {
    /// What came from the network, or went there: the loops of HTTP's and gRPC's connections.
    Network,
    /// The end of a context.
    Cancellation,
    /// A signal of the operating system.
    Signal,
}

impl Carrier {
    /// A word for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Cancellation => "cancellation",
            Self::Signal => "signal",
        }
    }

    /// By the function that a goroutine was started with (Go 1.21 to 1.27, `src/net/http/transport.go` and
    /// `internal/http2/transport.go`, `src/context/context.go`, `src/os/signal`; grpc-go's `internal/transport`).
    pub(crate) fn of(entry: &str) -> Option<Self> {
        match entry {
            "net/http.(*persistConn).readLoop"
            | "net/http.(*persistConn).writeLoop"
            | "net/http.(*connReader).backgroundRead"
            | "net/http.(*http2ClientConn).readLoop"
            | "net/http/internal/http2.(*ClientConn).readLoop"
            | "golang.org/x/net/http2.(*ClientConn).readLoop"
            | "google.golang.org/grpc/internal/transport.(*http2Client).reader" => Some(Self::Network),
            _ if entry.starts_with("google.golang.org/grpc/internal/transport.newHTTP2Client.") => Some(Self::Network),
            _ if entry.starts_with("context.") => Some(Self::Cancellation),
            _ if entry.starts_with("os/signal.") => Some(Self::Signal),
            _ => None,
        }
    }
}

impl Profile {
    /// What the goroutine that ended waits only carried; none where it is not known to carry anything.
    pub fn carrier(&self, wakeup: &Wakeup) -> Option<Carrier> {
        if wakeup.waker != WakerKind::Outside {
            return None;
        }
        let outermost = || self.tree.goroutine(wakeup.waker_stack).last().map_or("", |frame| &frame.function);
        let entry = if wakeup.waker_entry.is_empty() { outermost() } else { &wakeup.waker_entry };
        Carrier::of(entry)
    }

    /// Whether the goroutine that ended waits cancelled a context.
    pub fn cancels(&self, wakeup: &Wakeup) -> bool {
        // Go 1.19 to 1.27, `src/context/context.go`; by a name of its own since 1.21.
        let is_cancel = |function: &str| function.starts_with("context.") && function.ends_with("Ctx).cancel");
        self.tree.goroutine(wakeup.waker_stack).any(|frame| is_cancel(&frame.function))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriers_are_told_by_the_function_they_were_started_with() {
        let of = |waker, entry: &str| {
            let wakeup = Wakeup { waker, waker_entry: entry.into(), ..Wakeup::default() };
            Profile::default().carrier(&wakeup)
        };
        let outside = |entry| of(WakerKind::Outside, entry);
        assert_eq!(outside("net/http.(*persistConn).readLoop"), Some(Carrier::Network));
        assert_eq!(outside("context.(*cancelCtx).propagateCancel.func2"), Some(Carrier::Cancellation));
        assert_eq!(outside("os/signal.loop"), Some(Carrier::Signal));
        // The program's own goroutines do what they do, and a request's own are no strangers.
        assert_eq!(outside("main.(*persistConn).readLoop"), None);
        assert_eq!(of(WakerKind::Sibling, "net/http.(*persistConn).readLoop"), None);
    }
}
