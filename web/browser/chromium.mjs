// Where Chromium is: what GOTRACE_SLICE_CHROMIUM says, or where Debian and others install it.
import { existsSync } from "node:fs";

export function executable() {
  const known = [process.env.GOTRACE_SLICE_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const found = known.find((path) => path && existsSync(path));
  if (!found) throw new Error("no Chromium: apt-get install chromium, or set GOTRACE_SLICE_CHROMIUM");
  return found;
}
