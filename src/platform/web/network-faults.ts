// What went wrong with an address, in words. A browser tells a page little: that a server could not be reached, that it does not allow other sites to read, and
// that the page's own rules forbid it look the same.
import { NetworkError } from "../../errors.ts";

/** An answer that is not the file. */
export function statusFault(url: string, { status, statusText }: Response): NetworkError {
  const hint =
    status === 404 || status === 410
      ? "there is no such file (any more): check the address"
      : status === 401 || status === 403
        ? "the server demands permission: download the file with the browser, and choose it from disk"
        : status === 429 || status >= 500
          ? "the server has trouble: try again later"
          : "the server did not give the file";
  return new NetworkError(`${shown(url)} answered ${status}${statusText === "" ? "" : ` ${statusText}`}`, {
    hint,
    data: { url: shown(url), status },
  });
}

/** What `fetch` throws. */
export function fetchFault(url: string, cause: unknown): NetworkError {
  const [reason, hint] = unreachable(new URL(url));
  return new NetworkError(`cannot fetch ${shown(url)}: ${reason}`, { hint, data: { url: shown(url) }, cause });
}

const POLICY = "this page's rules (Content-Security-Policy: connect-src) forbid it";

function unreachable({ protocol, origin }: URL): readonly [reason: string, hint: string] {
  if (protocol === "blob:") return [`it is no more, or ${POLICY}`, "hand over the Blob itself"];
  if (globalThis.navigator?.onLine === false)
    return ["this machine is offline", "what was loaded before is kept; for the rest, try again later"];
  if (origin === globalThis.location?.origin)
    return [`the server does not answer, or ${POLICY}`, "try again, and look into the browser's console"];
  return [
    `it does not answer, does not let other sites read it (CORS), or ${POLICY}`,
    "download the file with the browser and choose it from disk, or serve it from your own site",
  ];
}

/** Addresses that hold whole files are long. */
export const shown = (url: string): string => (url.length > 200 ? `${url.slice(0, 60)}…` : url);
