// IndexedDB in promises. A transaction is all or nothing: what it refuses (a full disk) changes nothing.
import { ProblemError } from "../../problems.ts";

/** The answer of one request. */
export function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser's storage does not say why it failed"));
  });
}

/** When everything that a transaction was asked for is written. @throws DOMException QuotaExceededError when there is no room */
export function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    const fail = () =>
      reject(
        transaction.error ??
          new ProblemError(
            "The browser gave up keeping this.",
            "Free some space on the disk and try again. What was kept before is still there.",
          ),
      );
    transaction.onabort = fail;
    transaction.onerror = fail;
  });
}

/** @param upgrade makes the stores of a new database */
export function openDatabase(
  name: string,
  version: number,
  upgrade: (database: IDBDatabase) => void,
): Promise<IDBDatabase> {
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => upgrade(request.result);
  return answerOf(request);
}
