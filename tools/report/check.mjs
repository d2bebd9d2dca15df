// Opens reports of lakes full of hostile text in a real Chromium, and holds what
// they promise: nothing runs but the page's own scripts, nothing is loaded or
// sent, no error, no violation of the policy, the same numbers with scripts and
// without, filters by keyboard, nothing that axe finds, one column on a phone.
//
//     node check.mjs path/to/sluice folder-for-screenshots
//
// CHROMIUM names the browser where it is not found by name.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { payloads, poison } from "./hostile.mjs";

const [sluice, out] = process.argv.slice(2).map((p) => path.resolve(p));
const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(out, { recursive: true });

function browserPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome"])
    for (const dir of process.env.PATH.split(path.delimiter))
      if (fs.existsSync(path.join(dir, name))) return path.join(dir, name);
  console.error("no Chromium: install it (Debian: apt-get install chromium) or say where it is: CHROMIUM=/path/to/it");
  process.exit(1);
}

const run = (...args) => execFileSync(sluice, args, { cwd: out, stdio: ["ignore", "pipe", "inherit"] }).toString();

function lakes() {
  run("generate", "logs", "--lines", "6000", "--events", "600");
  poison(path.join(out, "logs"));
  run("convert", "logs", "-o", "lake");
  run("scan", "logs", "--lake", "lake", "--exit-zero");
  const part = (name, ...tables) => {
    fs.mkdirSync(path.join(out, name, "_sluice"), { recursive: true });
    for (const t of tables) fs.cpSync(path.join(out, "lake", t), path.join(out, name, t), { recursive: true });
  };
  part("trail", "cloudtrail_events");
  part("access", "s3_access_logs", "rejected");
  part("empty");
  for (const name of ["lake", "trail", "access", "empty"]) run("report", name, "-o", name + ".html");
}

const url = (name) => pathToFileURL(path.join(out, name)).href;

// open opens a page and notes all that must not happen.
async function open(browser, name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const bad = [];
  page.on("console", (m) => bad.push(`console ${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => bad.push(`error: ${e}`));
  page.on("dialog", (d) => (bad.push(`dialog: ${d.message()}`), d.dismiss()));
  page.on("popup", () => bad.push("a window was opened"));
  page.on("framenavigated", (f) => f.url() !== url(name) && !f.url().startsWith(url(name) + "#") && bad.push(`went to ${f.url()}`));
  await context.route("**", (route) => {
    if (route.request().url() === url(name)) return route.continue();
    bad.push(`request: ${route.request().url()}`);
    return route.abort();
  });
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
  });
  await page.goto(url(name));
  return {
    page,
    close: () => context.close(),
    // harmless tells what happened since.
    async happened() {
      if (options.javaScriptEnabled === false) return bad;
      const seen = await page.evaluate(() => ({ canary: window.canary, violations: window.violations }));
      if (seen.canary !== undefined) bad.push("a script of the attacker ran");
      return [...bad, ...seen.violations];
    },
  };
}

async function noViolations(page, what) {
  const found = await page.evaluate(async (source) => {
    // Not as a script of the page: its policy would not let it run.
    (0, eval)(source);
    const r = await axe.run(document, { resultTypes: ["violations"] });
    return r.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`);
  }, axe);
  assert.deepEqual(found, [], `axe, ${what}`);
}

// words is what a reader sees, piece by piece, charts aside.
const words = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("main :is(h2, h3, p, dt, dd, th, td, summary, li)")]
      .filter((e) => !e.closest(".canvas, #timeline, #no-findings"))
      .map((e) => e.textContent.replace(/\s+/g, " ").trim()));

// same compares pieces, and shows the first that differ.
function same(got, want, what) {
  const i = want.findIndex((w, i) => w !== got[i]);
  assert.equal(got[i], want[i], what);
  assert.equal(got.length, want.length, what);
}

const tests = {
  async "nothing hostile happens, on any page, at any size"(browser) {
    for (const name of ["lake.html", "trail.html", "access.html", "empty.html"]) {
      for (const options of [{}, { colorScheme: "dark" }, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }, { javaScriptEnabled: false }]) {
        const { page, happened, close } = await open(browser, name, options);
        await page.waitForLoadState("load");
        if (options.javaScriptEnabled !== false && name === "lake.html") {
          for (const d of await page.locator("details.finding > summary").all()) await d.click();
          await page.mouse.move(400, 500);
          await page.locator("#chart-requests .canvas").hover();
        }
        assert.deepEqual(await happened(), [], `${name} ${JSON.stringify(options)}`);
        await close();
      }
    }
  },

  async "the page does show what attackers wrote"() {
    const text = fs.readFileSync(path.join(out, "lake.html"), "utf8");
    const shown = payloads.filter((p) => text.includes(p.slice(0, 40).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("'", "&#39;").replaceAll('"', "&#34;").replaceAll("+", "&#43;").replaceAll("`", "&#96;")));
    assert.ok(shown.length >= 8, `only ${shown.length} of ${payloads.length} payloads are on the page: it tests little`);
  },

  // The checks above could be blind. So hostile markup is put into a copy, first
  // without the policy: it runs, and is seen to; then with it: it does not.
  async "the checks see what would happen"(browser) {
    const text = fs.readFileSync(path.join(out, "lake.html"), "utf8");
    const evil = `<img src="https://canary.example/x"><script>window.canary=1</script><p onclick="1" style="color:red">`;
    const at = text.indexOf("<main");
    assert.ok(at > 0);
    fs.writeFileSync(path.join(out, "guarded.html"), text.slice(0, at) + evil + text.slice(at));
    fs.writeFileSync(path.join(out, "open.html"), (text.slice(0, at) + evil + text.slice(at)).replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, ""));
    const naked = await open(browser, "open.html");
    const ran = await naked.happened();
    assert.ok(ran.includes("a script of the attacker ran"), ran.join());
    assert.ok(ran.includes("request: https://canary.example/x"), ran.join());
    await naked.close();
    const guarded = await open(browser, "guarded.html");
    const held = await guarded.happened();
    assert.ok(!held.includes("a script of the attacker ran") && !held.some((h) => h.startsWith("request:")), held.join());
    for (const directive of ["script-src-elem", "img-src", "style-src-attr"]) assert.ok(held.some((h) => h.startsWith(directive)), `${directive}: ${held.join()}`);
    const made = await guarded.page.evaluate(() => {
      try {
        document.body.innerHTML = "<p>";
        return "made";
      } catch (e) {
        return e.name;
      }
    });
    assert.equal(made, "TypeError", "a script can turn text into elements");
    await guarded.close();
  },

  async "with scripts and without, the words are the same"(browser) {
    for (const name of ["lake.html", "trail.html", "access.html"]) {
      const without = await open(browser, name, { javaScriptEnabled: false });
      // A browser without scripts still answers the one who drives it.
      const plain = await words(without.page);
      await without.close();
      const { page, close } = await open(browser, name);
      const scripted = await words(page);
      assert.ok(plain.length > 300, `${plain.length} pieces`);
      same(scripted, plain, name);
      await close();
    }
  },

  async "filters work by keyboard, and add up"(browser) {
    const { page, happened, close } = await open(browser, "lake.html");
    const value = (id) => page.locator(`#tile-${id} .value`).textContent();
    const number = async (id) => Number((await value(id)).replaceAll(",", ""));
    const before = await words(page);
    const all = await number("requests");
    const data = JSON.parse(await page.locator("#data").textContent());

    await page.locator(".skip").focus();
    for (let i = 0; (await page.evaluate(() => document.activeElement.id)) !== "filter-bucket"; i++) {
      assert.ok(i < 40, "the filter cannot be reached by Tab");
      await page.keyboard.press("Tab");
    }
    let sum = 0;
    for (const bucket of data.buckets) {
      await page.keyboard.press("ArrowDown");
      assert.equal(await page.locator("#filter-bucket option:checked").textContent(), bucket);
      sum += await number("requests");
      assert.match(await page.locator("#filter-says").textContent(), /request/);
    }
    const measures = data.series.access.measures;
    const others = data.series.access.rows.filter((r) => r[1] < 0).reduce((a, r) => a + r[2 + measures.indexOf("n")], 0);
    assert.equal(sum + others, all, "the buckets add up");

    await page.keyboard.press("Home");
    assert.equal(await number("requests"), all);
    await page.keyboard.press("Tab");
    await page.keyboard.press("End"); // from: the last bin
    assert.equal(await page.evaluate(() => document.activeElement.id), "filter-from");
    const last = await number("requests");
    assert.ok(last > 0 && last < all, `${last} of ${all}`);
    assert.equal(await page.locator("#chart-requests tbody tr").count(), 1);
    assert.match(await page.locator("#addresses .cut").textContent(), /largest over the whole time/);
    assert.match(await page.locator("#q-errors .cut").textContent(), /for the whole time/);

    await page.keyboard.press("Home");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Home"); // to: the first bin
    const first = await number("requests");
    assert.ok(first > 0 && first < all);

    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter"); // Show all
    same(await words(page), before, "showing all again gives the first page");

    await page.locator("#finding-1 > summary").focus();
    await page.keyboard.press("Enter");
    assert.ok(await page.locator("#finding-1 .facts").isVisible(), "a finding opens by keyboard");
    assert.deepEqual(await happened(), []);
    await close();
  },

  async "what has the focus is seen"(browser) {
    const { page, close } = await open(browser, "lake.html");
    await page.locator(".skip").focus();
    for (let i = 0; i < 30; i++) {
      await page.keyboard.press("Tab");
      const seen = await page.evaluate(() => {
        const s = getComputedStyle(document.activeElement);
        return document.activeElement === document.body || (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2);
      });
      assert.ok(seen, await page.evaluate(() => document.activeElement.outerHTML.slice(0, 200)));
    }
    await close();
  },

  async "axe finds nothing, in light, dark and on a phone"(browser) {
    for (const name of ["lake.html", "trail.html", "access.html", "empty.html"])
      for (const options of [{}, { colorScheme: "dark" }, { viewport: { width: 390, height: 844 } }]) {
        // The policy stands in the way of axe, not of what it looks at.
        const { page, close } = await open(browser, name, { ...options, bypassCSP: true });
        await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
        await noViolations(page, `${name} ${JSON.stringify(options)}`);
        await close();
      }
  },

  async "a phone needs no scrolling sideways"(browser) {
    for (const name of ["lake.html", "trail.html", "access.html", "empty.html"])
      for (const width of [320, 390, 768]) {
        const { page, close } = await open(browser, name, { viewport: { width, height: 844 } });
        await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${name} at ${width}: ${wide} too wide`);
        await close();
      }
  },

  async "charts stand, and are as wide as their place"(browser) {
    const { page, close } = await open(browser, "lake.html");
    assert.ok((await page.locator(".chart svg.plot rect").count()) > 50);
    assert.equal(await page.locator("#timeline svg.plot").count(), 1);
    for (const svg of await page.locator(".chart svg.plot").all()) {
      assert.equal(await svg.getAttribute("role"), "img");
      assert.ok((await svg.getAttribute("aria-label"))?.length > 5);
    }
    await page.setViewportSize({ width: 600, height: 800 });
    await page.waitForFunction(() => [...document.querySelectorAll(".chart svg.plot")].every((s) => s.clientWidth <= 600 && Math.abs(s.viewBox.baseVal.width - s.parentElement.clientWidth) < 2));
    await close();
  },

  async "pictures, to be looked at"(browser) {
    const shots = { desktop: {}, dark: { colorScheme: "dark" }, phone: { viewport: { width: 390, height: 844 }, isMobile: true, deviceScaleFactor: 2 } };
    for (const [name, options] of Object.entries(shots)) {
      const { page, close } = await open(browser, "lake.html", options);
      await page.screenshot({ path: path.join(out, name + ".png"), fullPage: true });
      if (name === "desktop") {
        const pdf = await page.pdf({ path: path.join(out, "paper.pdf"), preferCSSPageSize: true, printBackground: true });
        assert.ok(pdf.length > 50_000);
      }
      await close();
    }
  },
};

lakes();
for (const name of ["lake", "trail", "access", "empty"]) {
  const size = fs.statSync(path.join(out, name + ".html")).size;
  assert.ok(size < 3_000_000, `${name}.html has ${size} bytes`);
}
const browser = await chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox"] });
console.log(`Chromium ${browser.version()}`);
let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  const start = Date.now();
  try {
    await test(browser);
    console.log(`ok    ${name} (${Date.now() - start} ms)`);
  } catch (e) {
    failed++;
    console.log(`FAIL  ${name}\n${e.stack}`);
  }
}
await browser.close();
console.log(`${Object.keys(tests).length - failed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
