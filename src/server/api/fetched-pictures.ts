// Pictures that a request names by their address, from hosts that the operator listed. A client that could name any address would reach, through this server,
// what it cannot reach itself; so nothing is fetched without a list, a redirect is not followed, and only the host's own name counts.
import { UsageError } from "../../errors.ts";
import { RequestError } from "../failures.ts";
import type { Body, BodyLimits } from "./body.ts";
import { readBody } from "./body.ts";

const HOST = /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/;

/** "images.example.org", or with a port that is not the usual one: "images.example.org:8443". */
export function isFetchHost(text: string): boolean {
  return HOST.test(text);
}

export interface FetchLimits {
  /** Names that may be asked; see `isFetchHost`. */
  readonly hosts: readonly string[];
  readonly timeoutMs: number;
  readonly bodies: BodyLimits;
}

/**
 * The bytes at an address, in memory until they are disposed.
 *
 * @throws UsageError for an address that is none or whose host is not listed; RequestError: 424 where it does not answer with a file, 413 for one that is too large;
 * OverloadError
 */
export async function fetchPicture(
  address: string,
  { hosts, timeoutMs, bodies }: FetchLimits,
  signal: AbortSignal,
): Promise<Body> {
  const url = allowedAddress(address, hosts);
  const failed = (why: string) => new RequestError(424, "not_fetched", `${url.host} ${why}`);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  let response: Response;
  try {
    response = await fetch(url, { redirect: "manual", signal: limit, headers: { accept: "image/*" } });
  } catch {
    throw failed("did not answer");
  }
  if (response.status !== 200) {
    await response.body?.cancel();
    throw failed(response.status >= 300 && response.status < 400 ? "sends elsewhere" : `answered ${response.status}`);
  }
  try {
    return await readBody({ headers: new Headers(), body: response.body }, bodies);
  } catch (error) {
    throw error instanceof RequestError && error.status === 408 ? failed("did not send all of it") : error;
  }
}

/** Throws UsageError. */
function allowedAddress(address: string, hosts: readonly string[]): URL {
  if (hosts.length === 0) throw new UsageError("addresses are not fetched", "send the picture itself");
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "")
    throw new UsageError("this is no address of a picture", "https://HOST/PATH");
  if (!hosts.includes(url.host))
    throw new UsageError("pictures are not fetched from this host", "send the picture itself");
  return url;
}
