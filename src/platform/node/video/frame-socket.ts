// A pair of connected sockets for a program's output. What Node reads from a child by itself comes in pieces of 64 KiB, each in new memory, to be copied from
// there; here it is read in larger pieces into the memory where it is wanted.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface OutputSocket {
  /** The end that is read here. */
  readonly ours: Socket;
  /** The end that becomes the program's standard output. */
  readonly theirs: Socket;
}

export interface OutputReader {
  /** Where the next bytes go; never without any room. */
  room(): Uint8Array;
  /** So many bytes are in the memory that was given last. */
  took(bytes: number): void;
}

/** Undefined where there are no such sockets to be had: an ordinary pipe does it too. */
export async function outputSocket(reader: OutputReader): Promise<OutputSocket | undefined> {
  if (process.platform === "win32") return undefined;
  const server = createServer({ pauseOnConnect: true });
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(tmpdir(), "saccade-")); // nobody else may look into it
    const path = join(folder, "o");
    server.listen(path);
    await once(server, "listening");
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const ours = connect({
      path,
      onread: {
        buffer: () => reader.room(),
        callback: (bytes) => {
          reader.took(bytes);
          return true;
        },
      },
    });
    const [[theirs]] = await Promise.all([accepted, once(ours, "connect")]);
    return { ours, theirs };
  } catch {
    return undefined;
  } finally {
    server.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}
