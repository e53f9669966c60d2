// Writes a content security policy into every page of a static export. Next.js puts data for its own start into inline scripts; each of them is
// allowed by its digest, and no other.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
for (const page of readdirSync(folder, { recursive: true })) {
  if (!page.endsWith(".html")) continue;
  const path = join(folder, page);
  const html = readFileSync(path, "utf8");
  const inline = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>(.*?)<\/script>/gs)].map(([, script]) => script);
  const digests = inline.map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
  const policy = `script-src 'self' 'wasm-unsafe-eval' ${[...new Set(digests)].join(" ")}`;
  writeFileSync(path, html.replace("<head>", `<head><meta http-equiv="Content-Security-Policy" content="${policy}">`));
}
