// Log files full of what attackers write, made of those of sluice generate.
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";

// Each would show itself, were it run, loaded or drawn as markup.
export const payloads = [
  `</script><script>window.canary=1</script>`,
  `<img src=x onerror=window.canary=1>`,
  `<svg/onload=window.canary=1>`,
  `--></textarea></title><script>window.canary=1</script>`,
  `<iframe src=https://canary.example/></iframe>`,
  `<link rel=stylesheet href=https://canary.example/a.css>`,
  `<style>@import url(https://canary.example/b.css);body{display:none}</style>`,
  `<base href=https://canary.example/><meta http-equiv=refresh content=0;url=https://canary.example/>`,
  `<a href=javascript:window.canary=1 autofocus onfocus=window.canary=1>`,
  `<details open ontoggle=window.canary=1>`,
  `<form action=https://canary.example/><button>`,
  `'-window.canary=1-'`,
  "`${window.canary=1}`",
  `\\u003cimg src=x onerror=window.canary=1\\u003e`,
  `{{constructor.constructor('window.canary=1')()}}`,
  `__proto__`,
  `javascript:window.canary=1`,
  `\u202e\u2066gpj.exe`,
  `\u2028window.canary=1\u2029`,
  `z${"\u0336".repeat(60)}`,
  `x" onmouseover="window.canary=1`,
  `" 200 - 1 1 1 1 "-" "<script>window.canary=1</script>`,
  `${"<b>".repeat(400)}`,
];

// poison writes the payloads into a part of the lines and records, as keys, user
// agents and referers, the way S3 and CloudTrail would log them.
export function poison(dir) {
  let n = 0;
  const next = () => payloads[n++ % payloads.length];
  const some = () => n++ % 3 === 0;
  for (const name of fs.readdirSync(dir, { recursive: true })) {
    const file = path.join(dir, name);
    if (!fs.statSync(file).isFile() || path.basename(file).startsWith("_") || file.includes("Digest")) continue;
    if (!file.endsWith(".gz")) {
      fs.writeFileSync(file, fs.readFileSync(file, "latin1").split("\n").map((line) => (some() ? poisonLine(line, next) : line)).join("\n"), "utf8");
      continue;
    }
    const log = JSON.parse(zlib.gunzipSync(fs.readFileSync(file)));
    for (const record of log.Records ?? []) {
      if (!some()) continue;
      record.userAgent = next();
      if (record.requestParameters?.key) record.requestParameters.key = next();
    }
    fs.writeFileSync(file, zlib.gzipSync(JSON.stringify(log)));
  }
}

function poisonLine(line, next) {
  // ... operation key "request" ... "referer" "agent" ...
  const m = /^((?:\S+ ){2}\[[^\]]*\] (?:\S+ ){3}REST\.\S+) (\S+) ("[^"]*" .*?) ("[^"]*"|-) ("[^"]*"|-) (\S+ \S+= .*)$/.exec(line);
  if (!m) return line;
  const key = m[2] === "-" ? "-" : encodeURIComponent(encodeURIComponent(next()));
  return `${m[1]} ${key} ${m[3]} "${next()}" "${next()}" ${m[6]}`;
}
