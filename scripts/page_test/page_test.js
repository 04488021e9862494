// Does a rendered report work for a reader: offline, at every width, in both themes, by keyboard?
//
//   node page_test.js RUN.html...
//
// CHROMIUM names the browser (default: chromium from the path of Debian). SHOTS names a folder in which
// screenshots are left. Ends with 1 when anything does not hold, and says what.

import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const WIDTHS = [390, 1280];
const THEMES = ["light", "dark"];
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const pages = process.argv.slice(2);
if (pages.length === 0) {
  console.error("give the path of a rendered report");
  process.exit(2);
}
const shots = process.env.SHOTS;
if (shots) mkdirSync(shots, { recursive: true });

let failures = 0;
let checks = 0;
function check(holds, what) {
  checks += 1;
  if (holds) return;
  failures += 1;
  console.log(`FAIL ${what}`);
}

// What the page itself says about its boxes. Runs in the browser.
function layout() {
  const problems = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    problems.push(`the page is ${root.scrollWidth} wide in a window of ${root.clientWidth}`);
  }
  const isShown = (e) => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== "hidden";
  const name = (e) => `${e.tagName.toLowerCase()} "${(e.textContent || "").trim().slice(0, 40)}"`;
  for (const element of document.querySelectorAll("body *")) {
    if (!isShown(element) || element.closest(".scroll, svg, .skip, .hidden")) continue;
    const box = element.getBoundingClientRect();
    if (box.right > root.clientWidth + 0.5 || box.left < -0.5) problems.push(`${name(element)} leaves the page`);
  }
  for (const box of document.querySelectorAll(".scroll")) {
    if (!isShown(box)) continue;
    if (box.tabIndex !== 0 || !box.getAttribute("aria-label")) problems.push(`${name(box)} is out of the keyboard's reach`);
  }
  for (const svg of document.querySelectorAll("figure > svg")) {
    if (!isShown(svg)) continue;
    const frame = svg.viewBox.baseVal;
    for (const part of svg.querySelectorAll("path, text")) {
      const box = part.getBBox();
      const isInside = box.x >= -0.5 && box.y >= -0.5
        && box.x + box.width <= frame.width + 0.5 && box.y + box.height <= frame.height + 0.5;
      if (!isInside) {
        const of = part.closest("figure").id;
        problems.push(`${of}: ${part.tagName} "${part.textContent}" at ${Math.round(box.x)},${Math.round(box.y)} `
          + `${Math.round(box.width)}x${Math.round(box.height)} leaves ${frame.width}x${frame.height}`);
      }
    }
    const labels = [...svg.querySelectorAll("text")].map((text) => [text.getBBox(), text.textContent]);
    labels.forEach(([a, first], index) => {
      for (const [b, second] of labels.slice(index + 1)) {
        const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
        const along = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
        if (across > 1 && along > 2) problems.push(`${svg.closest("figure").id}: "${first}" and "${second}" overlap`);
      }
    });
  }
  for (const figure of document.querySelectorAll("figure")) {
    const drawn = [...figure.querySelectorAll(":scope > svg")];
    const seen = drawn.filter(isShown);
    if (seen.length !== 1) problems.push(`${figure.id}: ${seen.length} pictures are shown`);
    for (const svg of drawn) {
      if (!svg.querySelector("title")?.textContent || !svg.querySelector("desc")?.textContent) {
        problems.push(`${figure.id}: a picture says nothing to those who do not see it`);
      }
    }
    if (seen.some((svg) => svg.getBoundingClientRect().width < 200)) problems.push(`${figure.id}: too small to read`);
    if (!figure.querySelector("figcaption")?.textContent) problems.push(`${figure.id}: no caption`);
    if (!figure.querySelector("details table tbody tr")) problems.push(`${figure.id}: no numbers`);
  }
  for (const section of document.querySelectorAll("section")) {
    const heading = section.querySelector("h2");
    if (!heading || !heading.nextElementSibling) problems.push(`${name(section)} is an empty section`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) problems.push(`two things are called ${id}`);
  for (const link of document.querySelectorAll("a[href^='#']")) {
    if (!document.getElementById(link.hash.slice(1))) problems.push(`${link.hash} leads nowhere`);
  }
  return problems;
}

async function open(browser, file, theme, width) {
  const page = await browser.newPage();
  const url = pathToFileURL(resolve(file)).href;
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
  await page.setOfflineMode(true);
  await page.setRequestInterception(true);
  page.on("request", (request) => {
    const isOwn = request.url().split("#")[0] === url || request.url().startsWith("data:");
    check(isOwn, `${file}: asks for ${request.url().slice(0, 100)}`);
    if (isOwn) request.continue();
    else request.abort();
  });
  page.on("console", (message) => check(false, `${file}: console ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => check(false, `${file}: ${error}`));
  await page.goto(url, { waitUntil: "load" });
  return page;
}

async function look(browser, file) {
  const label = basename(file, ".html");
  for (const theme of THEMES) {
    for (const width of WIDTHS) {
      const page = await open(browser, file, theme, width);
      const at = `${label}, ${width} px, ${theme}`;
      for (const problem of await page.evaluate(layout)) check(false, `${at}: ${problem}`);
      check(await page.evaluate(() => document.scripts.length === 0), `${at}: has a script`);
      if (shots) await page.screenshot({ path: join(shots, `${label}-${width}-${theme}.png`), fullPage: true });
      // Closed parts are looked at as well.
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
      for (const problem of await page.evaluate(layout)) check(false, `${at}, all open: ${problem}`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      for (const violation of violations) {
        const isGrave = ["serious", "critical"].includes(violation.impact);
        const where = violation.nodes.slice(0, 3).map((node) => node.target.join(" ")).join("; ");
        if (isGrave) check(false, `${at}: ${violation.id} (${violation.impact}): ${violation.help}: ${where}`);
        else console.log(`note ${at}: ${violation.id} (${violation.impact}): ${where}`);
      }
      await page.close();
    }
  }
}

// The first key leads to the answer, and every box that scrolls can be reached.
async function keyboard(browser, file) {
  const page = await open(browser, file, "light", 390);
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement.className);
  check(first === "skip", `${file}: the first key leads to "${first}", not to the skip link`);
  await page.keyboard.press("Enter");
  const target = await page.evaluate(() => document.activeElement.id);
  check(target === "main", `${file}: the skip link leads to "${target}"`);
  await page.close();
}

// The link gives back a record, byte for byte as it stands in the page.
async function download(browser, file) {
  const folder = mkdtempSync(join(tmpdir(), "page-test-"));
  const page = await open(browser, file, "light", 1280);
  const session = await browser.target().createCDPSession();
  await session.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
  const embedded = await page.$eval("a[download]", (link) => link.href.split(",")[1]);
  const wanted = Buffer.from(embedded, "base64");
  JSON.parse(gunzipSync(wanted).toString("utf8"));
  await page.$eval("a[download]", (link) => link.click());
  const path = join(folder, await page.$eval("a[download]", (link) => link.download));
  for (let turn = 0; turn < 200; turn += 1) {
    if (existsSync(path) && statSync(path).size === wanted.length) break;
    await new Promise((done) => setTimeout(done, 50));
  }
  const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");
  check(existsSync(path) && hash(readFileSync(path)) === hash(wanted), `${file}: the record cannot be saved`);
  await page.close();
  rmSync(folder, { recursive: true });
}

// On paper: dark ink on white whatever the theme, nothing that can only be clicked, and the numbers that
// are folded away on a screen.
async function print(browser, file) {
  const page = await open(browser, file, "dark", 1280);
  await page.emulateMediaType("print");
  const seen = await page.evaluate(() => {
    const of = (selector) => getComputedStyle(document.querySelector(selector));
    const folded = document.querySelector("figure details table");
    return {
      ground: of("body").backgroundColor,
      nav: of("nav").display,
      numbers: folded ? folded.getBoundingClientRect().height : 1,
    };
  });
  check(seen.ground === "rgb(255, 255, 255)", `${file}: paper is ${seen.ground}`);
  check(seen.nav === "none", `${file}: the list of sections is printed`);
  check(seen.numbers > 0, `${file}: the numbers of a picture are not printed`);
  const paper = await page.pdf({ format: "A4" });
  check(paper.length > 10_000, `${file}: cannot be printed`);
  await page.close();
}

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  // In a container there is neither a sandbox of its own nor much shared memory.
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});
try {
  for (const file of pages) {
    const before = failures;
    await look(browser, file);
    await keyboard(browser, file);
    await download(browser, file);
    await print(browser, file);
    console.log(`${failures === before ? "ok  " : "FAIL"} ${file}`);
  }
} finally {
  await browser.close();
}
console.log(`${pages.length} pages, ${checks} looks at single things, ${failures} failures`);
process.exit(failures === 0 ? 0 : 1);
