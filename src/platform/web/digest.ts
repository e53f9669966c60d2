// Digests of bytes, by the browser.
import { SaccadeError } from "../../errors.ts";

/**
 * SHA-256, 64 hexadecimal digits.
 *
 * @throws SaccadeError "insecure_context" on pages that came over an unprotected connection, to which browsers give no digests
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  if (globalThis.crypto?.subtle === undefined)
    throw new SaccadeError("insecure_context", "the browser gives this page no digests, because it came over http", {
      hint: "serve it over https, or from localhost",
    });
  // Shared memory has to be copied for the browser.
  const own = bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
  return hexadecimal(new Uint8Array(await crypto.subtle.digest("SHA-256", own)));
}

function hexadecimal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
