import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Draws a word over black in a process that sees these fonts only; how many pixels became bright, or "no typeface". */
function drawn(fonts: string): string {
  const folder = mkdtempSync(join(tmpdir(), "saccade-fonts-"));
  try {
    const config = join(folder, "fonts.conf");
    writeFileSync(config, `<?xml version="1.0"?><fontconfig>${fonts}<cachedir>${folder}</cachedir></fontconfig>`);
    const script = `
      import { layTextOver } from ${JSON.stringify(new URL("draw-text.ts", import.meta.url).href)};
      const image = { width: 80, height: 30, data: new Uint8Array(80 * 30 * 3) };
      const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="30"><text x="5" y="22" font-size="20" fill="#fff">word</text></svg>';
      const over = await layTextOver(image, svg);
      console.log(over === undefined ? "no typeface" : over.data.filter((value) => value > 128).length + " of " + over.data.length);
    `;
    return execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      env: { ...process.env, FONTCONFIG_FILE: config },
      encoding: "utf8",
    }).trim();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("where there is no typeface, nothing is drawn instead of boxes", () => {
  expect(drawn("")).toBe("no typeface");
});

test("where there is one, letters are", (context) => {
  const result = drawn("<dir>/usr/share/fonts</dir><dir>/System/Library/Fonts</dir>");
  if (result === "no typeface") context.skip("this machine has no typefaces");
  expect(result).toMatch(/ of 7200$/);
  expect(Number.parseInt(result, 10)).toBeGreaterThan(300);
});
