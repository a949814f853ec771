//! The file around the data: what may run in it, and what is read without a script.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

/// The script, built from `web/src`.
const SCRIPT: &str = include_str!("../../../web/dist/app.js");
/// The style sheet, built from `web/src`.
const STYLE: &str = include_str!("../../../web/dist/app.css");

/// What a reader sees without a script.
pub(super) struct Document<'a, T> {
    /// The title; any text.
    pub(super) title: &'a str,
    /// The answer in words; any text, and empty where there is none.
    pub(super) answer: &'a str,
    /// The data.
    pub(super) data: &'a T,
}

impl<T: Serialize> Document<'_, T> {
    /// Writes the file.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let (script, style) = (hash(SCRIPT), hash(STYLE));
        let (title, answer) = (escaped(self.title), escaped(self.answer));
        write!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src '{script}'; \
             style-src '{style}'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<noscript><p>{answer}</p>\n\
             <p>This page draws with a script of its own, and the browser does not run it. It needs no network.</p>\
             </noscript>\n<div id=\"app\"></div>\n<template id=\"data\">"
        )?;
        let mut base64 = EncoderWriter::new(&mut *out, &STANDARD);
        let mut gzip = GzEncoder::new(&mut base64, Compression::default());
        // The encoder takes few bytes at a time badly, and JSON is written in few bytes.
        let mut buffer = io::BufWriter::with_capacity(64 << 10, &mut gzip);
        serde_json::to_writer(&mut buffer, self.data)?;
        buffer.flush()?;
        drop(buffer);
        gzip.finish()?;
        base64.finish()?;
        drop(base64);
        writeln!(out, "</template>\n<script>{SCRIPT}</script>\n</body>\n</html>")
    }
}

/// What the browser compares a script or a style sheet with before it takes it.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

/// Text between tags.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
