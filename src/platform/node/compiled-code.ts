// The engine of Node keeps what it compiled of a program's modules, where it can (Node 22.1 and later), so that the next start compiles nothing. For
// programs of this package alone: what another program keeps is its own to decide.
import module from "node:module";
import { join } from "node:path";
import { nodeFolders } from "./folders.ts";
import { makeDirectorySync } from "./make-directory.ts";

/** Of a later Node than the one whose types are here. */
interface CompileCache {
  readonly enableCompileCache?: (folder: string) => unknown;
}

/**
 * Modules that are loaded from now on are kept in the cache folder: Node's usual place is one that others may write to. Node leaves out what does not
 * fit its version and the file, and NODE_DISABLE_COMPILE_CACHE=1 turns it off.
 */
export function keepCompiledCode(
  { enableCompileCache }: CompileCache = module as CompileCache,
  cache = nodeFolders.cache,
): void {
  if (enableCompileCache === undefined) return;
  const folder = join(cache, "compiled-code");
  try {
    makeDirectorySync(folder); // Node would try for ever where it cannot be made
  } catch {
    return;
  }
  enableCompileCache(folder);
}
