// Builds dist/app.js and dist/app.css, which the Rust side embeds. With --tests it builds the unit tests instead.
import { build } from "esbuild";
import { readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
// Both together, minified: what every page carries.
const MAX_BYTES = 120_000;

// Paths in what is built are relative to this folder, so that every machine builds the same bytes.
const common = {
  absWorkingDir: here,
  bundle: true,
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "warning",
  charset: "utf8",
  legalComments: "none",
};

if (process.argv.includes("--tests")) {
  const tests = readdirSync(join(here, "tests")).filter((name) => /\.test\.tsx?$/.test(name));
  rmSync(join(here, "build/tests"), { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: tests.map((name) => `tests/${name}`),
    outdir: "build/tests",
    platform: "node",
    format: "esm",
    target: "node20",
  });
} else {
  const banner = "/* gotrace-slice: built from web/src; contains Preact (MIT) */";
  await build({
    ...common,
    entryPoints: { app: "src/main.tsx" },
    outdir: "dist",
    format: "iife",
    platform: "browser",
    target: ["chrome107", "firefox113", "safari16.4"],
    minify: true,
    define: { "process.env.NODE_ENV": '"production"' },
    banner: { js: banner, css: banner },
  });
  const sizes = ["app.js", "app.css"].map((name) => statSync(join(here, "dist", name)).size);
  const sum = sizes[0] + sizes[1];
  console.log(`dist/app.js ${sizes[0]} bytes, dist/app.css ${sizes[1]} bytes, ${sum} together`);
  if (sum > MAX_BYTES) {
    console.error(`more than ${MAX_BYTES} bytes`);
    process.exit(1);
  }
}
