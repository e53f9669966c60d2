// Packages that are installed by those who use what they are for.
import { SaccadeError } from "../../../errors.ts";

/** @param what needs it: "a queue in PostgreSQL" @param install "pg-boss@10" */
export async function optionalPackage<T>(load: () => Promise<T>, what: string, install: string): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new SaccadeError("not_installed", `${what} needs a package that is not installed`, {
      hint: `npm install ${install}`,
      data: { install },
      cause,
    });
  }
}

/** Of a database that does not answer, or not in time: it may pass. Its address, with a password in it, is in no message. */
export function notAnswering(kind: string, error: unknown): SaccadeError {
  if (error instanceof SaccadeError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  // Of several addresses that a name has, an AggregateError says nothing itself.
  const reason = message === "" || message === undefined ? (code ?? "no answer") : message;
  return new SaccadeError("network", `the queue in ${kind} does not answer: ${reason.split("\n")[0]}`, {
    hint: "check that it runs and may be reached from here",
    cause: error,
  });
}

/** Rejects with `notAnswering` when it takes longer. */
export async function inTime<T>(kind: string, work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(notAnswering(kind, new Error(`nothing within ${milliseconds / 1000} s`))),
      milliseconds,
    );
  });
  try {
    return await Promise.race([work, tooLate]);
  } catch (error) {
    throw notAnswering(kind, error);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined); // what comes later is nobody's
  }
}
