// One line of JSON for each thing that happened: who asked for which route and what came of it. No picture, no label, no name of a file a client sent.

/** What a line may say beside time and event. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ServerLog {
  info(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** @param write takes a line without its end */
export function jsonLog(write: (line: string) => void, now: () => Date = () => new Date()): ServerLog {
  const line = (level: string) => (event: string, fields?: LogFields) =>
    write(JSON.stringify({ time: now().toISOString(), level, event, ...fields }));
  return { info: line("info"), error: line("error") };
}

export const silentLog: ServerLog = { info: () => undefined, error: () => undefined };
