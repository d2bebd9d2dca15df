// Charts and filters. Without this script the page has every table, for all
// buckets and all of its time; what stands here makes them anew for a choice.
// Text of the lake gets into the page as text only, never as markup.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { axis, buckets, series, charts, rankings, findings, levels } = data;
  const byId = (id) => document.getElementById(id);

  // The choice: a place in the list of buckets, -1 for all, and bins.
  const whole = { place: -1, from: 0, to: axis.bins - 1 };
  let chosen = { ...whole };
  const inTime = () => chosen.from > 0 || chosen.to < axis.bins - 1;

  // What is beside the axis, bin -1, belongs to all of the time and to no part.
  const has = (bin) => (bin < 0 ? !inTime() : bin >= chosen.from && bin <= chosen.to);

  const at = (bin) => new Date(1000 * (axis.start + bin * axis.step));
  const label = (bin) => at(bin).toISOString().slice(0, axis.step >= 86400 ? 10 : 16).replace("T", " ");

  const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
  const size = (n) => {
    if (n < 1000) return n + " B";
    let unit = 0;
    for (; n >= 999.95 && unit < 6; unit++) n /= 1000;
    return n.toFixed(1) + " " + " kMGTPE"[unit] + "B";
  };
  const percent = (n, of) => {
    const share = (100 * n) / of;
    if (n === 0) return "0 %";
    if (n === of) return "100 %";
    if (share < 0.1) return "under 0.1 %";
    if (share > 99.9) return "over 99.9 %";
    return share.toFixed(1) + " %";
  };
  const count = (n, noun) => grouped(n) + " " + noun + (n === 1 ? "" : "s");

  // sum adds up a measure of a series over what is chosen; null where no row has it.
  const sum = (name, measure) => {
    const s = series[name];
    if (!s) return null;
    const i = 2 + s.measures.indexOf(measure);
    let total = null;
    for (const row of s.rows)
      if (has(row[0]) && (chosen.place < 0 || row[1] === chosen.place) && row[i] >= 0) total = (total ?? 0) + row[i];
    return total;
  };
  const bins = (name, measure) => {
    const s = series[name];
    const i = 2 + s.measures.indexOf(measure);
    const list = new Array(axis.bins).fill(0);
    for (const row of s.rows)
      if (row[0] >= 0 && has(row[0]) && (chosen.place < 0 || row[1] === chosen.place) && row[i] > 0) list[row[0]] += row[i];
    return list;
  };

  const el = (name, attributes, ...children) => {
    const e = document.createElement(name);
    for (const [key, value] of Object.entries(attributes ?? {})) e.setAttribute(key, value);
    e.append(...children);
    return e;
  };
  const svg = (name, attributes, ...children) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
    e.append(...children);
    return e;
  };

  // A chart is drawn as wide as it stands, so that its text has the size of text.
  const paper = 700;
  let printing = false;
  const draw = (box, options) => {
    const width = printing ? paper : Math.max(280, box.clientWidth);
    const figure = Plot.plot({ className: "plot", width, marginTop: 12, marginRight: 24, ...options(width) });
    // To a screen reader it is one picture with a name; the table below has its parts.
    figure.setAttribute("role", "img");
    for (const part of figure.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
    box.replaceChildren(figure);
  };
  // The day stands below the first hour and wherever one begins, the year below
  // the first day and wherever one begins.
  const timeAxis = (width, from, to) => {
    const time = d3.utcFormat("%H:%M"), day = d3.utcFormat("%-d %b"), year = d3.utcFormat("%Y");
    const ticks = d3.scaleUtc([from, to], [0, width]).ticks(Math.max(2, Math.floor(width / 100)));
    const hours = ticks.some((t) => t.getUTCHours() || t.getUTCMinutes());
    const upper = hours ? time : day, lower = hours ? day : year;
    return Plot.axisX(ticks, {
      anchor: "bottom", tickSize: 4, label: null, lineWidth: 9,
      tickFormat: (t, i) => upper(t) + (i === 0 || lower(t) !== lower(ticks[i - 1]) ? "\n" + lower(t) : ""),
    });
  };

  function overTime(chart) {
    const box = byId("chart-" + chart.id);
    const amount = chart.bytes ? size : grouped;
    const layers = chart.layers.map((l) => bins(chart.of, l.measure));
    const totals = chart.layers.map((l) => sum(chart.of, l.measure) ?? 0);
    const total = totals.reduce((a, b) => a + b, 0);
    const bad = chart.layers.reduce((a, l, i) => a + (l.bad ? totals[i] : 0), 0);
    const tops = layers[0].map((_, bin) => layers.reduce((a, l) => a + l[bin], 0));

    let title = chart.none;
    if (total > 0) {
      const top = Math.max(...tops);
      title = chart.layers.some((l) => l.bad)
        ? count(total, chart.noun) + ", " + percent(bad, total) + " of them failed"
        : chart.layers.flatMap((l, i) => (totals[i] > 0 ? [amount(totals[i]) + " " + l.name] : [])).join(", ");
      if (top > 0 && axis.bins > 1) title += `; most ${data.within} ${label(tops.indexOf(top))}: ${amount(top)}`;
      title += ".";
    }
    box.querySelector("h3").textContent = title;
    const canvas = box.querySelector(".canvas");
    box.querySelector(".legend").hidden = canvas.hidden = total === 0;
    if (total > 0) {
      const rects = [], tips = [];
      for (let bin = chosen.from; bin <= chosen.to; bin++) {
        let below = 0;
        const lines = [label(bin)];
        layers.forEach((values, i) => {
          if (values[bin] > 0) {
            rects.push({ bin, low: below, high: (below += values[bin]), fill: chart.layers[i].class });
            lines.push(`${chart.layers[i].name}: ${amount(values[bin])}`);
          }
        });
        if (below > 0) tips.push({ bin, high: below, text: lines.join("\n") });
      }
      const classes = chart.layers.map((l) => l.class);
      draw(canvas, (width) => ({
        height: width < 500 ? 190 : 230,
        marginLeft: 56, marginBottom: 34,
        ariaLabel: chart.name, ariaDescription: title,
        x: { type: "utc", domain: [at(chosen.from), at(chosen.to + 1)] },
        y: { label: null, nice: true, zero: true },
        color: { type: "ordinal", domain: classes, range: classes.map((c) => `var(--${c})`) },
        marks: [
          Plot.gridY({ stroke: "var(--line)", strokeOpacity: 1, ticks: 4 }),
          Plot.axisY({ ticks: 4, tickSize: 0, label: null, tickFormat: (n) => (chart.bytes ? size(n) : n % 1 ? "" : n >= 10000 ? d3.format("~s")(n) : grouped(n)) }),
          timeAxis(width, at(chosen.from), at(chosen.to + 1)),
          Plot.rect(rects, { x1: (d) => at(d.bin), x2: (d) => at(d.bin + 1), y1: "low", y2: "high", fill: "fill", insetLeft: 0.5, insetRight: 0.5 }),
          Plot.ruleY([0], { stroke: "var(--soft-ink)" }),
          Plot.tip(tips, Plot.pointerX({ x: (d) => new Date(+at(d.bin) + 500 * axis.step), y: "high", title: "text", fill: "var(--paper)", stroke: "var(--soft-ink)", fontSize: 12 })),
        ],
      }));
    }
    const rows = [];
    for (let bin = chosen.from; bin <= chosen.to; bin++)
      rows.push(el("tr", null, el("td", null, label(bin)), ...layers.map((l) => el("td", { class: "right" }, amount(l[bin])))));
    box.querySelector("tbody").replaceChildren(...rows);
  }

  // One line a rule, the gravest on top; what is short is a dot.
  function timeline(shown) {
    const box = byId("timeline");
    if (!box) return;
    const start = axis.start + chosen.from * axis.step, end = axis.start + (chosen.to + 1) * axis.step;
    shown = shown.filter((f) => f.last >= start && f.first < end); // the others are beside the axis
    const rules = [...new Map([...shown].sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level)).map((f) => [f.rule, f.level]))];
    box.hidden = rules.length === 0;
    if (box.hidden) return;
    const inside = (seconds) => new Date(1000 * Math.min(Math.max(seconds, start), end));
    const color = (f) => f.level;
    const tip = (f) => `${f.level}: ${f.rule}\n${f.where}\n${new Date(1000 * f.first).toISOString().slice(0, 19).replace("T", " ")}`;
    draw(box.querySelector(".canvas"), (width) => ({
      height: 40 + (printing ? 25 : 34) * rules.length,
      marginLeft: 20, marginBottom: 34,
      ariaLabel: "Findings that alert, over time",
      ariaDescription: `${count(shown.length, "finding")} of ${count(rules.length, "rule")}; the list below has each.`,
      x: { type: "utc", domain: [inside(start), inside(end)] },
      y: { type: "point", axis: null, domain: rules.map(([rule]) => rule), padding: 0.6 },
      color: { type: "ordinal", domain: levels, range: levels.map((l) => `var(--${l})`) },
      marks: [
        Plot.ruleY(rules, { y: (r) => r[0], stroke: "var(--line)" }),
        timeAxis(width, inside(start), inside(end)),
        Plot.text(rules, { y: (r) => r[0], text: ([rule]) => (width < 500 && rule.length > 46 ? rule.slice(0, 45) + "…" : rule), frameAnchor: "left", textAnchor: "start", dy: -13, fill: "var(--ink)", fontSize: 12 }),
        Plot.ruleY(shown, { y: "rule", x1: (f) => inside(f.first), x2: (f) => inside(f.last), stroke: color, strokeWidth: 6, strokeLinecap: "round" }),
        Plot.dot(shown, { y: "rule", x: (f) => inside(f.first), r: 5, fill: color, stroke: "var(--paper)" }),
        Plot.tip(shown, Plot.pointer({ y: "rule", x: (f) => inside(f.first), title: tip, fill: "var(--paper)", stroke: "var(--soft-ink)", fontSize: 12 })),
      ],
    }));
  }

  function listFindings() {
    const start = axis.start + chosen.from * axis.step, end = axis.start + (chosen.to + 1) * axis.step;
    const shown = findings.filter((f) => (chosen.place < 0 || f.place === chosen.place) && (!inTime() || (f.last >= start && f.first < end)));
    const ids = new Set(shown.map((f) => f.id));
    for (const f of findings) byId(f.id).hidden = !ids.has(f.id);
    const none = byId("no-findings");
    if (none) none.hidden = shown.length > 0;
    timeline(shown);
  }

  // A ranking of what is chosen, out of what is largest over the whole time.
  function rank(ranking) {
    const block = byId(ranking.id);
    const scope = ranking.scopes.find((s) => s.place === chosen.place);
    const body = block.querySelector("tbody");
    if (!body) return;
    let rows = (scope?.rows ?? []).map((r) => {
      const row = { name: r.name, n: 0, failed: 0, bytes: -1 };
      for (let i = 0; i < r.cells.length; i += 4) {
        if (!has(r.cells[i])) continue;
        row.n += r.cells[i + 1];
        row.failed += r.cells[i + 2];
        if (r.cells[i + 3] >= 0) row.bytes = Math.max(row.bytes, 0) + r.cells[i + 3];
      }
      return row;
    });
    rows = rows.filter((r) => r.n > 0);
    if (inTime()) rows.sort((a, b) => b[ranking.by] - a[ranking.by] || b.n - a.n);
    const there = rows.length;
    rows = rows.slice(0, data.most);
    const largest = Math.max(1, ...rows.map((r) => r[ranking.by]));
    const bar = (r, by) => {
      if (by !== ranking.by) return [];
      const width = r[by] > 0 ? Math.max(1, Math.floor((1000 * r[by]) / largest)) : 0;
      return [svg("svg", { class: "bar", viewBox: "0 0 1000 10", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { width, height: 10 }))];
    };
    const nothing = () => el("span", { class: "null" }, "NULL");
    const gloss = ranking.null ? [" ", el("span", { class: "gloss" }, ranking.null)] : [];
    body.replaceChildren(...rows.map((r) => el("tr", null,
      el("td", { class: "wide" }, ...(r.name === null ? [nothing(), ...gloss] : [r.name])),
      el("td", { class: "right" }, grouped(r.n), ...bar(r, "n")),
      el("td", { class: "right" }, grouped(r.failed)),
      el("td", { class: "right" }, r.bytes < 0 ? nothing() : size(r.bytes), ...bar(r, "bytes")))));
    let cut = "";
    const all = scope?.of ?? 0, known = scope?.rows.length ?? 0;
    if (there === 0) cut = "None in what is chosen.";
    else if (inTime() && all > known) cut = `Of the ${known} that are largest over the whole time, out of ${grouped(all)}.`;
    else if (inTime() && there > rows.length) cut = `The first ${rows.length} of ${there}.`;
    else if (!inTime() && all > rows.length) cut = `The first ${rows.length} of ${grouped(all)}.`;
    block.querySelector(".cut").textContent = cut;
  }

  // Tables that are not made anew show the rows of a bucket, and say where they
  // stop following.
  function hideRows() {
    for (const block of document.querySelectorAll(".block:not([data-filtered])")) {
      const rows = [...block.querySelectorAll("tbody tr")];
      const note = block.querySelector(".cut");
      if (!note) continue;
      note.dataset.all ??= note.textContent;
      const of = rows.some((r) => r.dataset.place !== undefined);
      let left = 0;
      for (const r of rows) {
        r.hidden = of && chosen.place >= 0 && r.dataset.place !== String(chosen.place);
        if (!r.hidden) left++;
      }
      const says = note.dataset.all ? [note.dataset.all] : [];
      if (of && chosen.place >= 0) says.push(left === 0 ? "None of these is of the chosen bucket." : `Of these, the ${left} of the chosen bucket.`);
      if (!of && chosen.place >= 0) says.push("This table is for all buckets.");
      if (inTime()) says.push("This table is for the whole time.");
      note.textContent = says.join(" ");
    }
  }

  function tiles() {
    const put = (id, value, note) => {
      const tile = byId("tile-" + id);
      if (!tile) return;
      tile.querySelector(".value").textContent = value;
      tile.querySelector(".note").textContent = note;
    };
    const access = (measure) => sum("access", measure) ?? 0;
    const n = access("n"), failed = access("refused") + access("broken"), sent = sum("access", "bytes");
    put("requests", grouped(n), "");
    put("sent", sent === null ? "NULL" : size(sent), "");
    put("failed", percent(failed, Math.max(n, 1)), grouped(failed) + " with 4xx or 5xx");
    put("anonymous", grouped(access("anonymous")), grouped(access("anonymous_refused")) + " refused");
    put("deleted", grouped(access("deleted")), "+ " + grouped(access("expired")) + " by lifecycle");
    const records = sum("trail", "n") ?? 0;
    put("records", grouped(records), percent(sum("trail", "failed") ?? 0, Math.max(records, 1)) + " of them failed");
  }

  // A table that is wider than its place can be scrolled by keyboard.
  function scrolls() {
    for (const box of document.querySelectorAll(".scroll")) {
      const wide = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
      if (wide) {
        box.tabIndex = 0;
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", box.querySelector("caption").textContent);
      } else for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
    }
  }

  function say() {
    const says = byId("filter-says");
    if (chosen.place < 0 && !inTime()) return void (says.textContent = "");
    const parts = [];
    if (series.access) parts.push(count(sum("access", "n") ?? 0, "request"));
    if (series.trail) parts.push(count(sum("trail", "n") ?? 0, "CloudTrail record"));
    says.textContent = parts.join(", ");
  }

  function render() {
    tiles();
    listFindings();
    charts.forEach(overTime);
    rankings.forEach(rank);
    hideRows();
    scrolls();
    say();
  }

  const form = byId("filter"), bucket = byId("filter-bucket"), from = byId("filter-from"), to = byId("filter-to");
  for (let bin = 0; bin < axis.bins; bin++) {
    from.append(el("option", { value: bin }, label(bin)));
    to.append(el("option", { value: bin }, label(bin)));
  }
  const reset = () => {
    bucket.value = "-1";
    from.value = "0";
    to.value = String(axis.bins - 1);
  };
  reset();
  form.hidden = false;
  form.addEventListener("submit", (e) => e.preventDefault());
  form.addEventListener("reset", (e) => {
    e.preventDefault();
    reset();
    chosen = { ...whole };
    render();
  });
  form.addEventListener("change", (e) => {
    // Whoever moves one end past the other means to look there.
    if (+from.value > +to.value) (e.target === from ? to : from).value = e.target.value;
    chosen = { place: +bucket.value, from: +from.value, to: +to.value };
    render();
  });

  // A link to a finding opens it; paper has all of them open, and charts
  // as wide as it is.
  const open = () => {
    const target = location.hash.startsWith("#finding-") && byId(location.hash.slice(1));
    if (target) target.open = true;
  };
  addEventListener("hashchange", open);
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll(".finding:not([open])")];
    for (const d of closed) d.open = true;
    printing = true;
    render();
  });
  addEventListener("afterprint", () => {
    for (const d of closed) d.open = false;
    printing = false;
    render();
  });
  for (const d of document.querySelectorAll("details")) d.addEventListener("toggle", scrolls);

  let width = innerWidth, waiting = 0;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(render);
  });
  if (byId("timeline")) byId("timeline").hidden = false;
  render();
  open();
})();
