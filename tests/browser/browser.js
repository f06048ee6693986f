// A person's Chromium, and what it complains of.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { ADMIN_TOKEN, TARGET } from "../service.js";

export const SCREENSHOTS = join(TARGET, "screenshots");
export const SCHEMES = ["light", "dark"];
export const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };

export async function launch() {
  const executablePath = process.env.CHROMIUM;
  if (!executablePath) throw new Error("call ./dev test-browser, which finds Chromium, or set CHROMIUM to its path");
  await mkdir(SCREENSHOTS, { recursive: true });
  return chromium.launch({ executablePath });
}

// An empty tab, whose `complaints` are what a developer would see in red.
export async function open(browser, service, options = {}) {
  const context = await browser.newContext({ baseURL: service.url, viewport: SIZES.desktop, ...options });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(`${error}`));
  page.on("request", (request) => request.url().startsWith(service.url) || complaints.push(`asks ${request.url()}`));
  page.on("requestfailed", (request) => {
    const { errorText } = request.failure();
    // So ends what was under way when the next page was opened.
    if (errorText !== "net::ERR_ABORTED") complaints.push(`${request.url()}: ${errorText}`);
  });
  return { page, complaints };
}

export async function signIn(page) {
  await page.goto("/admin/sign-in");
  await page.getByLabel("ADMIN_TOKEN").fill(ADMIN_TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/admin");
}

// Presses Tab until this has the focus.
export async function tabTo(page, wanted) {
  await wanted.waitFor();
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press("Tab");
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`no number of Tabs leads to ${wanted}`);
}

// What axe-core finds wrong, each with where; past the page's policy, as an extension would.
export async function violations(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Runtime.evaluate", { expression: axe.source });
  await devtools.detach();
  const found = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
  const where = (violation) => violation.nodes.map((node) => node.target.join(" ")).join(", ");
  return found.violations.map((violation) => `${violation.id}: ${violation.help} (${where(violation)})`);
}

// What does not fit the window: the page itself, where it has to be scrolled sideways, and headings cut inside a word.
export async function misfits(page) {
  return page.evaluate(() => {
    const cut = [...document.querySelectorAll("th, h1, h2, nav a, button")].flatMap((element) => {
      const text = document.createTreeWalker(element, NodeFilter.SHOW_TEXT).nextNode();
      const words = [...(text?.data ?? "").matchAll(/[A-Za-z]+/g)];
      const lines = ({ 0: word, index }) => {
        const range = document.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        return range.getClientRects().length;
      };
      return words.filter((word) => lines(word) > 1).map(([word]) => `"${word}" is cut`);
    });
    const { scrollWidth } = document.documentElement;
    return scrollWidth > innerWidth ? [...cut, `it is ${scrollWidth} pixels wide`] : cut;
  });
}
