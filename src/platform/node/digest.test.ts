import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { sha256 } from "./digest.ts";

test("the digest of NIST's example, and of nothing", async () => {
  expect(await sha256(new TextEncoder().encode("abc"))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  expect(await sha256(new Uint8Array())).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});

test("bytes of several parts, within a larger buffer, while the event loop goes on", async () => {
  const buffer = new Uint8Array(2 ** 23 * 2 + 100).map((_, i) => i % 251);
  const bytes = buffer.subarray(7);
  let turned = false;
  setImmediate(() => {
    turned = true;
  });
  const digest = await sha256(bytes);
  expect(digest).toBe(createHash("sha256").update(bytes).digest("hex"));
  expect(turned).toBe(true);
});
