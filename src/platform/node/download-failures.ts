// What went wrong with a download, in words, with what to do about it; and the digest that says which file it is.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { NetworkError, SaccadeError } from "../../errors.ts";

const byHand = (url: string, path: string) => `fetch it by hand from ${url}\n  and put it at ${path}`;

/** An answer that is not the file. */
export function describeStatus(response: Response, url: string, path: string): NetworkError {
  const { status, statusText } = response;
  const advice =
    status === 404 || status === 410
      ? "it is not there (any more): look for it where the model's authors publish it"
      : status === 401 || status === 403
        ? "the server demands permission: fetch it with a browser"
        : status === 429 || status >= 500
          ? "the server has trouble: try again later"
          : "the server did not give the file";
  return new NetworkError(`${url} answered ${status}${statusText === "" ? "" : ` ${statusText}`}`, {
    hint: `${advice}, or ${byHand(url, path)}`,
    data: { url, status },
  });
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name is unknown: this machine may be offline",
  EAI_AGAIN: "its name cannot be looked up: this machine may be offline",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was cut",
  ENETUNREACH: "there is no network",
  EHOSTUNREACH: "there is no way to it",
  ETIMEDOUT: "it does not answer",
  UND_ERR_CONNECT_TIMEOUT: "it does not answer",
  UND_ERR_SOCKET: "the connection was cut",
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by nobody that is known",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is signed by nobody that is known",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is signed by nobody that is known",
};

/** Makes a NetworkError of what `fetch` and its body throw; what is one of ours, or of the disk, passes through. */
export function networkFailure(
  error: unknown,
  { url, path, silentForMs }: { url: string; path: string; silentForMs: number | undefined },
): unknown {
  if (error instanceof SaccadeError || isDiskError(error)) return error;
  if (silentForMs !== undefined)
    return new NetworkError(`nothing came from ${url} for ${silentForMs / 1000} s`, {
      hint: "run the same command again: it goes on from where it stopped",
      data: { url, silentForMs },
    });
  const reason = rootCause(error);
  const proxy =
    (process.env.HTTPS_PROXY ?? process.env.https_proxy) ? "HTTPS_PROXY is set, but no proxy is used here; " : "";
  return new NetworkError(`cannot download ${url}: ${reason}`, {
    hint: `try again later (what has arrived is kept), or ${proxy}${byHand(url, path)}`,
    data: { url, reason },
    cause: error,
  });
}

const errorCode = (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : "");

function isDiskError(error: unknown): boolean {
  return (
    error instanceof Error && "syscall" in error && ["write", "open", "fsync", "close"].includes(String(error.syscall))
  );
}

/** `fetch failed` says nothing; what says something is the innermost cause. */
function rootCause(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  const known = UNREACHABLE[errorCode(cause)];
  if (known !== undefined) return known;
  return cause instanceof Error && cause.message !== "" ? cause.message : String(cause);
}

export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, signal === undefined ? {} : { signal })) hash.update(chunk);
  return hash.digest("hex");
}
