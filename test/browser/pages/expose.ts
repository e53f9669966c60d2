// The page's side of a test: functions that the test calls by name.
import { SaccadeError } from "../../../src/errors.ts";
import type { PageApi, PageOutcome } from "../site.ts";

/** Makes functions callable from the test. Call it once, at the end of a page's module. */
export function expose(api: PageApi): void {
  const call = async (name: string, args: readonly unknown[]): Promise<PageOutcome> => {
    try {
      const called = api[name] as ((...args: readonly unknown[]) => unknown) | undefined;
      if (called === undefined) throw new Error(`the page exposes no ${name}`);
      return { value: await called(...args) };
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      const { code, hint, data } = error instanceof SaccadeError ? error : {};
      return { name, message, code, hint, data };
    }
  };
  Object.assign(globalThis, { saccadeTest: call });
}

/** The bytes that the test put under a path. */
export async function fetchBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} has status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
