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
  const isOwn = new URL(url).origin === globalThis.location?.origin;
  const reason =
    globalThis.navigator?.onLine === false
      ? "this machine is offline"
      : isOwn
        ? "the server does not answer, or this page's rules (Content-Security-Policy: connect-src) forbid it"
        : "it does not answer, does not let other sites read it (CORS), or this page's rules (Content-Security-Policy: connect-src) forbid it";
  return new NetworkError(`cannot fetch ${shown(url)}: ${reason}`, {
    hint: isOwn
      ? "try again, and look into the browser's console for what it says"
      : "download the file with the browser and choose it from disk, or serve it from your own site",
    data: { url: shown(url) },
    cause,
  });
}

/** Addresses that hold whole files are long. */
export const shown = (url: string): string => (url.length > 200 ? `${url.slice(0, 60)}…` : url);
