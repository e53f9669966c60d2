// Digests of bytes, a part at a time: a file of weights is gigabytes, and whoever waits for an answer meanwhile gets it in between.
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";

/** A few milliseconds' work. */
const PART = 2 ** 23;

export async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes.length; at += PART) {
    if (at > 0) await setImmediate();
    hash.update(bytes.subarray(at, at + PART));
  }
  return hash.digest("hex");
}
