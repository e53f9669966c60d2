// The name under which a host may keep what its engine makes of a model.
import type { CompiledModel } from "../../model-folder/compile.ts";
import type { PixelForm } from "../../model-folder/picture-form.ts";
import type { DigestHost, Host, KeepingHost } from "../../platform/host.ts";

/** Files of weights beyond it are not kept: what is kept takes up to four times as much, and building the graph is a small part of loading them. */
const MAX_FILE_BYTES = 2 ** 25;

/** Names the bytes of a model in a form; undefined where the host keeps nothing, or it is not known what decides them. */
export async function modelKeys(
  host: Host & Partial<KeepingHost & DigestHost>,
  { origin }: CompiledModel,
): Promise<((form: PixelForm | undefined) => string) | undefined> {
  if (host.createKeptSession === undefined || host.sha256 === undefined) return undefined;
  if (origin === undefined || origin.file.byteLength > MAX_FILE_BYTES) return undefined;
  const digest = await host.sha256(origin.file);
  return (form) => JSON.stringify([digest, origin.facts, form]);
}
