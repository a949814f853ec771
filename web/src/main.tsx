// Opens the data of the page and shows them.

import { render } from "preact";
import { open } from "./data/open";
import { App } from "./ui/App";
import { markPrint, provideStateColors } from "./view/theme";
import "./style.css";

async function main(): Promise<void> {
  const place = document.getElementById("app")!;
  const data = document.getElementById("data") as HTMLTemplateElement;
  try {
    const page = await open(data.content.textContent ?? "");
    data.remove();
    markPrint();
    provideStateColors(page.states);
    render(<App page={page} />, place);
    document.documentElement.dataset.ready = String(Math.round(performance.now()));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    place.textContent = `This page cannot show its data: ${why}. It takes Chrome 107, Firefox 113, Safari 16.4 or later.`;
    document.documentElement.dataset.ready = "failed";
  }
}

void main();
