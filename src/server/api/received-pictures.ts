// What a request of ours brings: its pictures, those that it names by their address fetched, and its fields.
import type { Context } from "hono";
import type { ServerEnvironment, Service } from "../app.ts";
import { type Body, readBody } from "./body.ts";
import { fetchPicture } from "./fetched-pictures.ts";
import { requestPictures } from "./request-pictures.ts";

/** In memory until they are disposed. */
export interface ReceivedPictures extends Disposable {
  readonly pictures: readonly Uint8Array<ArrayBuffer>[];
  /** What else was said, not checked yet. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Throws what `readBody`, `requestPictures` and `fetchPicture` throw. */
export async function receivePictures(
  c: Context<ServerEnvironment>,
  { bodies, config }: Pick<Service, "bodies" | "config">,
): Promise<ReceivedPictures> {
  const { raw } = c.req;
  const held: Body[] = [];
  const dispose = () => {
    for (const body of held.splice(0)) body[Symbol.dispose]();
  };
  const take = (body: Body) => {
    held.push(body);
    return body.bytes;
  };
  try {
    const { pictures, fields } = await requestPictures(raw, take(await readBody(raw, bodies)), bodies.maxPictures);
    const limits = { hosts: config.fetch_hosts, timeoutMs: config.receive_timeout_ms, bodies };
    const received = await Promise.allSettled(
      pictures.map(async (one) => (typeof one === "string" ? take(await fetchPicture(one, limits, raw.signal)) : one)),
    );
    const all = received.map((outcome) => {
      if (outcome.status === "rejected") throw outcome.reason;
      return outcome.value;
    });
    return { pictures: all, fields, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}
