// Addresses as a page writes them, and what is at them.
import { AbortedError, FormatError, UsageError } from "../../errors.ts";
import { fetchFault } from "./network-faults.ts";

/** Whether a string can only be an address, and neither a name nor a path in the page's storage: "https:…", "/…", "./…". */
export const isAddress = (text: string): boolean => /^([a-z][a-z0-9+.-]+:|\.{0,2}\/)/i.test(text);

/** A whole address, from one that may be relative to the page. @throws UsageError for what is none */
export function addressOf(url: string | { readonly href: string }): URL {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  const text = typeof url === "string" ? url : url.href;
  try {
    const address = new URL(text, base);
    if (/^(https?|blob|data):$/.test(address.protocol)) return address;
  } catch {
    // said below
  }
  throw new UsageError(
    `not an address that a page can fetch: ${text.slice(0, 200)}`,
    "it begins with https:, http:, blob: or data:, or is relative to the page; files on the disk are chosen by a person",
  );
}

/** What is at an address, whatever its status. @throws NetworkError, AbortedError */
export async function fetchAddress(address: URL, init: RequestInit = {}): Promise<Response> {
  // A page's rules may forbid to fetch what it has in the address itself.
  if (address.protocol === "data:") return new Response(bytesOfDataUrl(address.href) as BodyInit);
  try {
    return await fetch(address, init);
  } catch (cause) {
    if (init.signal?.aborted === true) throw new AbortedError("the download", cause);
    throw fetchFault(address.href, cause);
  }
}

function bytesOfDataUrl(url: string): Uint8Array {
  const [, isBase64, data] = /^data:[^,]*?(;base64)?,(.*)$/s.exec(url) ?? [];
  try {
    const text = decodeURIComponent(data ?? "");
    if (data !== undefined)
      return isBase64 === undefined
        ? new TextEncoder().encode(text)
        : Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    // said below
  }
  throw new FormatError("data: address", "what follows its comma cannot be decoded");
}
