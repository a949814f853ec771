//! The lists without `--root`: handlers are endpoints, with as many requests as `--root` finds; and what a pattern that
//! matches nothing is answered.

use super::{Absent, In, Is, MS, Row, Said, check, check_said};

const HANDLERS: &[Row] = &[
    ("survivors-only", "httprouter.trace", "handlers / function=main.read / count", Is("74")),
    // One request shows the empty handler behind them, too.
    ("own-contention", "httprouter.trace", "handlers / function=main.read / count", Is("97")),
    ("own-contention", "httprouter.trace", "handlers / function=main.write / count", Is("100")),
    ("survivors-only", "httprouter.trace", "handlers / function=main.write / count", Is("40")),
    ("middleware", "1.27.3.trace", "handlers / function=main.API.Users / count", Is("10")),
    ("middleware", "1.27.3.trace", "handlers / function=main.API.Users / p50_ns", In(5 * MS, 6 * MS)),
    ("middleware", "1.27.3.trace", "handlers / function=main.API.Orders / count", Is("10")),
    ("middleware", "1.27.3.trace", "handlers / function=main.API.Orders / p50_ns", In(40 * MS, 42 * MS)),
    ("middleware", "1.27.3.trace", "handlers / function=main.main.func1 / count", Is("10")),
    ("middleware", "1.27.3.trace", "handlers / function=main.main.func1 / p50_ns", In(MS, 2 * MS)),
    ("middleware", "1.27.3.trace", "handlers / function~ServeHTTP", Absent),
    ("inlined-wrappers", "h1.trace", "handlers / function=main.timed / count", Is("30")),
    ("inlined-wrappers", "h1.trace", "handlers / function=main.tooslow / count", Is("30")),
    ("inlined-wrappers", "h1.trace", "handlers / function~httputil.(*ReverseProxy).ServeHTTP / count", Is("30")),
    ("inlined-wrappers", "h1.trace", "handlers / function~http.(*fileHandler).ServeHTTP / count", Is("30")),
    ("inlined-wrappers", "h1.trace", "handlers / function~HandlerFunc.ServeHTTP", Absent),
    ("prom-middleware", "prom.trace", "handlers / function~(*API).query / count", Is("100")),
    ("prom-middleware", "prom.trace", "handlers / function~(*API).queryRange / count", Is("50")),
    ("prom-middleware", "prom.trace", "handlers / function~(*API).targets / count", Is("50")),
    ("prom-middleware", "prom.trace", "handlers / function~promhttp.HandlerForTransactional.func1 / count", Is("58")),
    ("prom-middleware", "prom.trace", "handlers / function~httprouter.(*Router).ServeHTTP / count", Is("202")),
    (
        "prom-middleware",
        "prom.trace",
        "handlers / function~httprouter.(*Router).ServeHTTP / elsewhere / 0 / count",
        Is("58"),
    ),
    ("prom-middleware", "prom.trace", "handlers / function~HandlerFunc.ServeHTTP", Absent),
    ("caddy-own-request", "caddy.trace", "handlers / function~reverseproxy.(*Handler).ServeHTTP / count", Is("75")),
    ("caddy-own-request", "caddy.trace", "handlers / function~fileserver.(*FileServer).ServeHTTP / count", Is("150")),
    ("caddy-own-request", "caddy.trace", "handlers / function~rewrite.Rewrite.ServeHTTP", Absent),
    ("h2c-handlers", "t.trace", "handlers / protocol=HTTP/2&function=main.StreamHandler / count", Is("6")),
    ("h2c-handlers", "t.trace", "handlers / protocol=HTTP/2&function=main.SleepHandler / count", Is("6")),
    ("h2c-handlers", "t.trace", "handlers / protocol=HTTP/2&function=main.FanHandler / count", Is("6")),
    ("h2c-handlers", "t.trace", "handlers / function~unencryptedHTTP2Request.ServeHTTP", Absent),
    (
        "etcd-post-new-connections",
        "etcd.trace",
        "handlers / function~gw.RegisterKVHandlerClient.func2 / count",
        Is("20"),
    ),
    (
        "etcd-post-new-connections",
        "etcd.trace",
        "handlers / function~gw.RegisterKVHandlerClient.func2 / partial",
        Is("0"),
    ),
    ("etcd-post-new-connections", "etcd.trace", "handlers / function~ServeMux", Absent),
    ("etcd-post-new-connections", "etcd.trace", "handlers / function~_KV_Put_Handler / count", Is("20")),
    ("caddy-own-request", "caddy.trace", "handlers / function~adminHandler.ServeHTTP", Absent),
    ("wg-go", "1.27.3.trace", "candidates / runs=main.orders&entry=main.(*group).Go.func1 / count", Is("20")),
    ("wg-go", "1.27.3.trace", "candidates / runs=main.orders&entry=sync.(*WaitGroup).Go.func1 / count", Is("10")),
    ("grpc-stream-workers", "grpc.trace", "handlers / function~_Health_Check_Handler / count", Is("120")),
    ("grpc-stream-workers", "grpc.trace", "handlers / function~_Health_Check_Handler / partial", Is("0")),
    ("grpc-stream-workers", "grpc.trace", "handlers / function=main.(*hs).Watch / count", Is("40")),
    ("grpc-stream-workers", "grpc.trace", "handlers / function=main.(*hs).Watch / partial", Is("0")),
    ("grpc-stream-workers", "grpc.trace", "handlers / function~_Echo_Chat_Handler / count", Is("40")),
    ("grpc-stream-workers", "grpc.trace", "handlers / function~_Echo_Chat_Handler / inferred", Is("14")),
];

const SAID: &[Said] = &[
    (
        "middleware",
        "1.27.3.trace",
        0,
        &["-F --root main.API.Orders 1.27.3.trace", "-F --root main.API.Users 1.27.3.trace"],
        &["--root 'net/http.(*persistConn).readLoop'"],
    ),
    ("caddy-own-request", "caddy.trace", 0, &[], &["adminHandler.ServeHTTP", "cut by the edge"]),
    (
        "caddy-own-request",
        "-F --root github.com/caddyserver/caddy/v2.adminHandler.ServeHTTP caddy.trace",
        1,
        &["adminHandler.ServeHTTP served the request that recorded the trace, which is left out"],
        &["    github.com/caddyserver/caddy/v2.adminHandler.ServeHTTP"],
    ),
    (
        "etcd-post-new-connections",
        "etcd.trace",
        0,
        &[r"gw\.RegisterKVHandlerClient\.func2$' etcd.trace"],
        &["ServeMux"],
    ),
    ("survivors-only", "-r nothing_here --time 1s-2s httprouter.trace", 1, &["the stacks of 286 requests"], &[]),
    ("survivors-only", "-r nothing_here --time 0s-1s httprouter.trace", 1, &[], &["may be among these"]),
    ("cpu-only-handler", "-r main.Encode --time 0s-50ms 1.27.3.trace", 1, &["the handler of 10 requests"], &[]),
    ("names", "-r main.Typed[...] 1.27.3.trace", 1, &["-F takes the pattern as text"], &[]),
    ("names", "-F -r main.Typed[...] 1.27.3.trace", 0, &["6 whole"], &[]),
    ("names", "-r main.typed 1.27.3.trace", 1, &["-i ignores upper and lower case", "main.Typed[...]"], &[]),
];

#[test]
fn handlers_are_endpoints() {
    check(HANDLERS);
}

#[test]
fn messages_name_what_works() {
    check_said(SAID);
}
